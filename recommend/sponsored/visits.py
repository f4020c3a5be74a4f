"""Which requests are a shopper's own: not a robot's, not a browser's preparation, not of those who run the shop."""

from crawleruseragents import is_crawler
from django.conf import settings
from django.http import HttpRequest

# Sec-Purpose is the standard (Fetch, and the prefetch and prerender of Chromium); the others are what older browsers
# and mail programs say before somebody has asked for a page.
PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
PREPARING = ("prefetch", "prerender", "preview")


def by_a_person(request: HttpRequest) -> bool:
    """Whether a click or view may cost anything. Staff look at what they sell without paying for it."""
    agent = request.headers.get("User-Agent", "").strip()
    if not agent or (settings.EVENTS_FILTER_BOTS and is_crawler(agent)):
        return False
    purposes = " ".join(request.headers.get(name, "") for name in PURPOSES).lower()
    if any(word in purposes for word in PREPARING):
        return False
    return not (request.user.is_authenticated and request.user.is_staff)


def navigates(request: HttpRequest) -> bool:
    """Whether the browser goes to the page. A picture or script with this address (Sec-Fetch-Mode) is not a click."""
    return request.method == "GET" and request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
