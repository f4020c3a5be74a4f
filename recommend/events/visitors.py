"""Who is searching, as the log of searches may know them. The search asks by the setting SEARCH_VISITOR."""

from functools import lru_cache
from typing import Any

from crawleruseragents import is_crawler
from django.conf import settings

from recommend.events.consent import consent_of
from recommend.events.devices import device_of
from recommend.events.shoppers import SESSION_HEADER, key_of_stranger, shopper_of
from search.log.visitors import Visitor


def visitor_of(request: Any, *, remember: bool = False) -> Visitor:
    """Tell by account, cookie or session; with `remember` a stranger gets a key by cookie, and no row before they act.

    What calls itself a program is one, unless it names a shopper's session: then it is a shop of its own that asks.
    """
    request = getattr(request, "_request", request)  # REST framework's, or Django's own
    device = device_of(request.headers)
    if (
        settings.EVENTS_FILTER_BOTS
        and _is_program(request.headers.get("User-Agent", ""))
        and not request.headers.get(SESSION_HEADER)
    ):
        return Visitor(program=True)
    if not consent_of(request):
        return Visitor(consent=False, device=device)
    shopper = shopper_of(request)
    if shopper is not None:
        return Visitor(shopper.key, returning=True, device=device)
    key, returning = key_of_stranger(request, make=remember)
    return Visitor(key, returning=returning, device=device)


@lru_cache(maxsize=2000)
def _is_program(agent: str) -> bool:
    return bool(is_crawler(agent))
