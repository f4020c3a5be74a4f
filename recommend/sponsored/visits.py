"""Which requests are a shopper's own: not a robot's, not a browser's preparation, not of those who run the shop."""

import uuid

from crawleruseragents import is_crawler
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from catalog.api.throttles import address_of, admits
from recommend.events.shoppers import user_of

# Sec-Purpose is the standard (Fetch, and the prefetch and prerender of Chromium); the others are what older browsers
# and mail programs say before somebody has asked for a page.
PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
PREPARING = ("prefetch", "prerender", "preview")
SAME_SECONDS = 60  # between the event of a click and the request for its link


def by_a_person(request: HttpRequest) -> bool:
    """Whether a click or view may cost anything. Staff look at what they sell without paying for it."""
    agent = request.headers.get("User-Agent", "").strip()
    if not agent or (settings.EVENTS_FILTER_BOTS and is_crawler(agent)):
        return False
    purposes = " ".join(request.headers.get(name, "") for name in PURPOSES).lower()
    if any(word in purposes for word in PREPARING):
        return False
    return not getattr(user_of(request), "is_staff", False)


def within_limit(request: HttpRequest, kind: str, placement: uuid.UUID) -> bool:
    """Whether this address may cost anything again (SPONSORED_CLICK_RATE); what is seen uses up none of the clicks.

    A page tells of one click twice, by an event and by the link that is followed, and is charged once: it counts once.
    """
    scope = f"sponsored-{kind}"
    counted = f"{scope}:{placement}:{address_of(request)}"
    if cache.get(counted):
        return True
    if not admits(request, scope, settings.SPONSORED_CLICK_RATE):
        return False
    cache.set(counted, True, SAME_SECONDS)
    return True


def navigates(request: HttpRequest) -> bool:
    """Whether the browser goes to the page. A picture or script with this address (Sec-Fetch-Mode) is not a click."""
    return request.method == "GET" and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
