"""What the shoppers' pages have in common: where a form leads back to, and what a fragment says beside itself."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from catalog.api.throttles import admits

View = Callable[[HttpRequest], HttpResponse]


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, so that the answer is part of the page that is open."""
    return request.headers.get("HX-Request") == "true"


def way_back(request: HttpRequest, otherwise: str = "shop:home") -> str:
    """The address in `next`, if it is one of this shop's pages."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse(otherwise)


def said(request: HttpRequest, sentence: str, *, wrong: bool = False, back: str = "", **context: Any) -> HttpResponse:
    """Say a sentence: beside the page that is open, or on the page that the form leads back to."""
    if is_fragment(request):
        return render(request, "recommend/_said.html", {"sentence": sentence, "wrong": wrong, **context})
    (messages.error if wrong else messages.success)(request, sentence)
    return HttpResponseRedirect(back or way_back(request))


def limited(view: View) -> View:
    """Let one address do only SHOP_ACTION_RATE of what buttons do: each leaves a session, a shopper or an event."""

    @wraps(view)
    def within(request: HttpRequest) -> HttpResponse:
        if admits(request, "shop-action", settings.SHOP_ACTION_RATE):
            return view(request)
        response = said(request, "That was a lot in a minute. Please wait a little.", wrong=True)
        if is_fragment(request):
            response.status_code = 429
            response["HX-Reswap"] = "none"  # the sentence alone is shown, and what was pressed stays where it is
        return response

    return within
