"""Campaigns of the demo shop's merchants, so that sponsored places have something to show."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from catalog.models import Store
from catalog.selectors import published_products
from recommend.sponsored.models import Campaign

MOST_PRODUCTS = 40


@dataclass(frozen=True)
class Offer:
    """A campaign to be run by whichever of the shop's stores comes at `place` of those with most products."""

    name: str
    place: int
    charge: str
    bid: Decimal
    budget: Decimal
    daily: Decimal | None = None


OFFERS = (
    Offer("Season's favourites", 0, "click", Decimal("0.35"), Decimal(250), Decimal(25)),
    Offer("New on our shelves", 1, "click", Decimal("0.28"), Decimal(180), Decimal(20)),
    Offer("Seen everywhere", 2, "view", Decimal("0.01"), Decimal(60)),
    Offer("Small shop, big plans", 3, "click", Decimal("0.22"), Decimal(40), Decimal(5)),
    Offer("Clearing the storeroom", 4, "click", Decimal("0.15"), Decimal(90)),
)


def run() -> int:
    """Start each campaign that is not there yet, for a month; return how many were started. Budgets are in the shop's
    currency."""
    shelves: dict[int, list[int]] = {}
    for store, product in (
        published_products()
        .filter(store__isnull=False, stock__gt=0)
        .order_by("-price", "pk")
        .values_list("store", "pk")
    ):
        shelves.setdefault(store, []).append(product)
    largest = sorted(shelves, key=lambda store: (-len(shelves[store]), store))
    now = timezone.now()
    started = 0
    for offer in OFFERS:
        if offer.place >= len(largest) or Campaign.objects.filter(name=offer.name, ends_at__gt=now).exists():
            continue
        store = largest[offer.place]
        campaign = Campaign.objects.create(
            name=offer.name,
            store=Store.objects.get(pk=store),
            charge=offer.charge,
            bid=offer.bid,
            budget=offer.budget,
            daily_budget=offer.daily,
            starts_at=now,
            ends_at=now + timedelta(days=30),
        )
        # Every n-th from the dearest to the cheapest: a campaign is for the whole of a shelf.
        products = shelves[store]
        campaign.products.set(products[:: -(-len(products) // MOST_PRODUCTS)])
        started += 1
    return started
