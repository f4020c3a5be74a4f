"""What was done with what a search had shown, told by the function that SEARCH_CLICKS names."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Click:
    """A click on a hit, or that it was put into the cart or bought after one (`kind`: click, cart, purchase)."""

    search_id: uuid.UUID  # of search.models.LoggedSearch, whose row may be gone by now
    query: str  # normalised; "" where the row is gone or had none
    product_id: int
    position: int | None  # among all hits, from 0
    visitor: uuid.UUID | None
    happened_at: datetime
    kind: str


def clicks_since(since: datetime, until: datetime | None = None) -> Iterator[Click]:
    """Yield what was done with hits from `since` to before `until`, oldest first; nothing without SEARCH_CLICKS."""
    if settings.SEARCH_CLICKS:
        yield from import_string(settings.SEARCH_CLICKS)(since, until)
