"""Sponsored places: whose products take them, and the record of it that later clicks and views are charged by."""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from recommend.events.models import Shopper
from recommend.sponsored.candidates import Runner, entries
from recommend.sponsored.models import Placement
from recommend.sponsored.second_price import hold


@dataclass(frozen=True)
class Placed:
    """A sponsored product in an answer."""

    product_id: int
    placement_key: uuid.UUID  # what its click, or its view, is charged by
    campaign_id: int
    price: Decimal  # of that charge; not for the shopper's eyes
    relevance: float
    by_view: bool  # charged when it is seen; otherwise when it is clicked


def place(
    shopper: Shopper | None,
    runners: Sequence[Runner],
    relevance: Mapping[int, float],
    places: int,
    surface: str,
    *,
    at: datetime | None = None,
    chance: random.Random | None = None,
) -> list[Placed]:
    """Choose sponsored products among the runners by `relevance` (product id -> 0..1), best place first.

    Those below SPONSORED_FLOOR do not take part, and neither do campaigns whose pacing or cap for this shopper forbids
    it. What is returned is written down as shown. A query for the caps and an insert; neither where nobody takes part.
    """
    now = at or timezone.now()
    won = hold(
        entries(shopper, runners, relevance, at=now, chance=chance),
        min(places, settings.SPONSORED_PLACES),
        per_store=settings.SPONSORED_PER_STORE,
        chance=chance,
    )
    by_view = {each.campaign_id for each in runners if each.by_view}
    placed = [
        Placed(
            product_id=each.entry.product_id,
            placement_key=uuid.uuid4(),  # 122 bits from the system's generator: nobody guesses another one's link
            campaign_id=each.entry.campaign_id,
            price=each.price,
            relevance=each.entry.relevance,
            by_view=each.entry.campaign_id in by_view,
        )
        for each in won
    ]
    Placement.objects.bulk_create(
        Placement(
            key=each.placement_key,
            campaign_id=each.campaign_id,
            product_id=each.product_id,
            shopper=shopper,
            surface=surface[:40],
            position=position,
            relevance=each.relevance,
            price=each.price,
            shown_at=now,
        )
        for position, each in enumerate(placed)
    )
    return placed
