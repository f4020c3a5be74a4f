"""Outside of the REST interface there are pages and forms, so there is reading and POST, and nothing else."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

GetResponse = Callable[[HttpRequest], HttpResponse]
METHODS = ("GET", "HEAD", "POST")
REST = "/api/"


def only_known_methods(get_response: GetResponse) -> GetResponse:
    """Answer 405 to other methods: Django's admin takes any of them for a GET, and its pages are expensive."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method in METHODS or request.path_info.startswith(REST):
            return get_response(request)
        return HttpResponseNotAllowed(METHODS)

    return middleware
