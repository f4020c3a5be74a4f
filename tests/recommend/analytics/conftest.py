"""Searches and what became of them, made by hand so that every figure is known."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recommend.events.models import Event, Shopper
from search.log.rows import normalised
from search.models import LoggedSearch

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
Searched = Callable[..., LoggedSearch]


@pytest.fixture
def shopper(db: None) -> Shopper:
    return Shopper.objects.create()


@pytest.fixture
def searched(shopper: Shopper) -> Searched:
    """Logs a search, with clicks at these places, and what was bought after it."""

    def make(
        q: str = "chair", *, visitor: int = 1, days: float = 0, seconds: float = 0, total: int = 9,
        clicks: tuple[int, ...] = (), cart: bool = False, bought: bool = False, **more: Any,
    ) -> LoggedSearch:  # fmt: skip
        at = NOON - timedelta(days=days) + timedelta(seconds=seconds)
        consent = more.get("consent", True)
        fields = {"mode": "hybrid", "surface": "page", "took_ms": 10.0, "language": "en", "device": "phone", **more}
        row = LoggedSearch.objects.create(
            id=uuid.uuid4(), query=q if consent else "", normalised=normalised(q) if consent else "", total=total,
            visitor=uuid.UUID(int=visitor) if consent else None, happened_at=at, **({"returning": consent} | fields),
        )  # fmt: skip
        kinds = [("click", place) for place in clicks] + [("cart", None)] * cart + [("purchase", None)] * bought
        for kind, place in kinds:
            Event.objects.create(
                event_id=uuid.uuid4(), kind=kind, shopper=shopper, position=place, search_id=row.pk,
                product_id=100 + (place or 0), happened_at=at + timedelta(seconds=9),
            )  # fmt: skip
        return row

    return make
