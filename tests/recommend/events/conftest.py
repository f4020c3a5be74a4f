"""Products and shoppers to record events of."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from catalog import services
from catalog.models import Product
from recommend.events.drafts import EventDraft
from recommend.events.log import record
from recommend.events.models import Shopper

Do = Callable[..., None]


@pytest.fixture(autouse=True)
def _own_limits() -> None:
    cache.clear()  # the share of each client in the rate limit


@pytest.fixture
def products(db: None) -> dict[str, Product]:
    """Five products, A to E, by sku."""
    return {sku: services.save_product(Product(sku=sku, title=f"Product {sku}", status="published")) for sku in "ABCDE"}


@pytest.fixture
def shopper(db: None) -> Shopper:
    return Shopper.objects.create()


@pytest.fixture
def do(products: dict[str, Product]) -> Do:
    """do(shopper, "view A", "cart B", …): one event a minute, the last one now."""

    def act(shopper: Shopper | None, *deeds: str, until: datetime | None = None, **more: Any) -> None:
        end = until or timezone.now()
        drafts = []
        for index, deed in enumerate(deeds):
            kind, _, sku = deed.partition(" ")
            at = end - timedelta(minutes=len(deeds) - 1 - index)
            drafts.append(EventDraft(kind, shopper, sku=sku, happened_at=at, event_id=uuid.uuid4(), **more))
        assert record(drafts).rejected == []

    return act
