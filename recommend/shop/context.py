"""What the recommendations add to every page of the shop: templates for its slots, the cart's count, the shopper."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from recommend.events import consent
from recommend.events.shoppers import shopper_of
from recommend.shop.cart import MOST_OF_ONE, Cart

# The shop's templates include these where they are named, and stand without them.
SLOTS = {
    name: f"recommend/slots/{name}.html"
    for name in (
        "head", "header", "notice", "end", "card", "card_data", "buy", "product_rows", "home_top", "home_middle",
        "home_feed", "results_top", "toolbar", "nothing",
    )
}  # fmt: skip


def shopper(request: HttpRequest) -> dict[str, Any]:
    """Functions where it costs a query or touches the session: templates call them, the admin's and REST's do not."""
    return {
        "slots": SLOTS,
        "cart_count": lambda: Cart(request.session).count,
        "most_of_one": MOST_OF_ONE,
        "ask_consent": settings.EVENTS_REQUIRE_CONSENT and consent.COOKIE not in request.COOKIES,
        "known": lambda: (found := shopper_of(request)) is not None and found.personalised,
        # A stranger's order is nobody's own yet, but it would become so: the switch stands on until it is switched off.
        "personalised": lambda: (found := shopper_of(request)) is None or found.personalised,
    }
