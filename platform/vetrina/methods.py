"""Outside of the REST interface there are pages and forms: what their addresses and methods may be."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed

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


def no_nul_in_pages(get_response: GetResponse) -> GetResponse:
    """Answer 404 to a page with a NUL in its address: PostgreSQL takes none in a text, so no row is called so."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_view(request: HttpRequest, *_: object) -> None:
        if "\x00" in request.path_info and not request.path_info.startswith(REST):
            raise Http404

    middleware.process_view = process_view  # type: ignore[attr-defined]
    return middleware
