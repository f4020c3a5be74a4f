"""Nobody of the staff enters the admin without the second factor that their account has, or has to have."""

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from catalog.second_factor import has_device

ADMIN: Final = "/admin/"
OPEN: Final = ("/admin/login/", "/admin/logout/", "/admin/jsi18n/")
PAGES: Final = "/admin/second-factor/"  # which look by themselves


def guarded(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Lead to where the code is asked for, or to where a second factor is set up.

    It stands before every address of the admin, also where the session was begun in the shop.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.startswith(ADMIN) and not path.startswith((*OPEN, PAGES)) and (page := _due(request)):
            back = {"next": request.get_full_path()} if request.method == "GET" else {}
            return HttpResponseRedirect(f"{reverse(page)}?{urlencode(back)}" if back else reverse(page))
        return get_response(request)

    return middleware


def _due(request: HttpRequest) -> str:
    user: Any = request.user
    if not user.is_staff or user.is_verified():
        return ""
    if has_device(user):
        return "second-factor"
    return "second-factor-set-up" if settings.STAFF_SECOND_FACTOR == "required" else ""
