"""Whether a shopper agreed to be remembered."""

from django.conf import settings
from django.http import HttpRequest

COOKIE = "consent"  # read by events.js as well, so neither signed nor hidden from scripts
GIVEN, REFUSED = "yes", "no"


def consent_of(request: HttpRequest) -> bool:
    """Return what the consent cookie says. Without one, EVENTS_REQUIRE_CONSENT and the browser's wish decide.

    The wish is `Sec-GPC` (Global Privacy Control) or `DNT` (Tracking Preference Expression), each "1" for "do not".
    """
    answer = request.COOKIES.get(COOKIE)
    if answer in (GIVEN, REFUSED):
        return answer == GIVEN
    if settings.EVENTS_REQUIRE_CONSENT:
        return False
    return "1" not in (request.headers.get("Sec-GPC"), request.headers.get("DNT"))
