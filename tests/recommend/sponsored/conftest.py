"""Campaigns of small stores, with a product each that can be bought."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from catalog import services
from catalog.models import Product, Store
from recommend.models import Campaign, Placement, Shopper


@pytest.fixture
def offer(db) -> Callable[..., Product]:
    """Make a published product in stock, of a store given by name."""

    def make(sku: str, store: str = "Corner", **fields: Any) -> Product:
        seller, _ = Store.objects.get_or_create(name=store, slug=store.lower())
        product = Product(
            **{"sku": sku, "title": sku.title(), "status": "published", "stock": 5, "store": seller, **fields}
        )
        services.save_product(product)
        return product

    return make


@pytest.fixture
def campaign(offer) -> Callable[..., Campaign]:
    """Make a running campaign: for products that exist, or for one of its own."""

    def make(*products: Product, **fields: Any) -> Campaign:
        shown = products or (offer(f"P-{uuid4().hex[:8]}", f"Store {uuid4().hex[:8]}"),)
        made = Campaign.objects.create(
            **{
                "name": "Campaign", "store": shown[0].store, "bid": Decimal("0.50"), "budget": Decimal(100),
                "pacing": "none", **fields,
            }
        )  # fmt: skip
        made.products.set(shown)
        return made

    return make


@pytest.fixture
def shown() -> Callable[..., Placement]:
    """Write down that a campaign's product was shown, at a price."""

    def make(campaign: Campaign, price: str = "0.20", **fields: Any) -> Placement:
        return Placement.objects.create(
            **{
                "key": uuid4(), "campaign": campaign, "product": campaign.products.first(), "surface": "home",
                "price": Decimal(price), **fields,
            }
        )  # fmt: skip

    return make


@pytest.fixture
def shopper(db) -> Shopper:
    return Shopper.objects.create()
