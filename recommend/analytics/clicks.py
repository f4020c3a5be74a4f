"""What was done with the hits of searches, read from the event log. The search asks by the setting SEARCH_CLICKS."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from recommend.events.models import Event
from search.log.clicks import Click
from search.models import LoggedSearch

KINDS = (Event.Kind.CLICK, Event.Kind.CART, Event.Kind.PURCHASE)
CHUNK = 500  # events whose searches are looked up at once; some databases take only so many values


def clicks_since(since: datetime, until: datetime | None = None) -> Iterator[Click]:
    """Yield them from `since` to before `until`, oldest first. Memory stays the same however many there are."""
    events = Event.objects.filter(search_id__isnull=False, kind__in=KINDS, happened_at__gte=since)
    if until is not None:
        events = events.filter(happened_at__lt=until)
    rows = (
        events.filter(product__isnull=False)
        .order_by("happened_at", "id")
        .values_list("search_id", "product_id", "position", "shopper__key", "happened_at", "kind")
        .iterator(chunk_size=5000)
    )
    while part := list(islice(rows, CHUNK)):
        yield from _with_queries(part)


def _with_queries(rows: Sequence[Any]) -> Iterator[Click]:
    ids = {search_id for search_id, *_ in rows}
    queries = dict(LoggedSearch.objects.filter(pk__in=ids).values_list("pk", "normalised"))
    for search_id, product_id, position, key, at, kind in rows:
        yield Click(search_id, queries.get(search_id, ""), product_id, position, key, at, kind)
