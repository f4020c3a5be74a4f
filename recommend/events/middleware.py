"""Sends a shopper's key to the device."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from recommend.events.shoppers import write_cookie

GetResponse = Callable[[HttpRequest], HttpResponse]


def remember_shopper(get_response: GetResponse) -> GetResponse:
    """Set the cookie that a view's `shopper_of(request, create=True)` asked for, or delete it after a logout."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        write_cookie(request, response)
        return response

    return middleware
