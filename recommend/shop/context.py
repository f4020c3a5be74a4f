"""What the recommendations add to every page of the shop: templates for its slots, the cart's count, the shopper."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from recommend.events import consent
from recommend.events.models import Shopper
from recommend.events.shoppers import shopper_of
from recommend.shop.cart import Cart

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

    @cache
    def who() -> Shopper | None:
        return shopper_of(request)

    return {
        "slots": SLOTS,
        "cart_count": lambda: Cart(request.session).count,
        "ask_consent": settings.EVENTS_REQUIRE_CONSENT and consent.COOKIE not in request.COOKIES,
        "known": lambda: (found := who()) is not None and found.personalised,
        # A stranger's order is nobody's own yet, but it would become so: the switch stands on until it is switched off.
        "personalised": lambda: (found := who()) is None or found.personalised,
    }
