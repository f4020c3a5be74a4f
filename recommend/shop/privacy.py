"""What a shopper may do with what is known of them: look at it, take it away, have it forgotten.

The log of events is append-only for everybody but the one whom it tells about: on their request their rows are deleted,
over all their devices. What a model learned from them before stays in it until it is trained again.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet

from catalog.models import Product
from recommend.events.history import AGAINST
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import devices_of
from recommend.sponsored.models import Placement
from search.log import writing
from search.log.retention import forget_visitors
from search.models import LoggedSearch


def events_of(shopper: Shopper) -> QuerySet[Event]:
    """All that is stored of a shopper, on every device, newest first."""
    return Event.objects.filter(shopper__in=devices_of(shopper)).order_by("-happened_at", "-pk")


def placements_of(shopper: Shopper) -> QuerySet[Placement]:
    """The sponsored places that were shown to a shopper, on every device, newest first."""
    return Placement.objects.filter(shopper__in=devices_of(shopper)).order_by("-shown_at", "-pk")


def searches_of(shopper: Shopper) -> QuerySet[LoggedSearch]:
    """What the log of searches holds of a shopper, on every device, newest first."""
    return LoggedSearch.objects.filter(visitor__in=_keys(shopper)).order_by("-happened_at", "-pk")


def refused_products(shopper: Shopper, rejected: Collection[int]) -> list[int]:
    """Those of the `rejected` products that are still sold, by when the shopper refused them, the latest first."""
    against = events_of(shopper).filter(kind__in=AGAINST, product_id__in=rejected)
    sold = against.filter(product__status=Product.Status.PUBLISHED).order_by()
    latest = sold.values("product_id").annotate(at=Max("happened_at")).order_by("-at", "-product_id")
    return list(latest.values_list("product_id", flat=True))


def forget_event(shopper: Shopper, event_id: uuid.UUID) -> int:
    """Delete one event of this shopper's; return how many events went. Another's are out of reach.

    With a search goes what the log of searches holds of it.
    """
    events = events_of(shopper).filter(event_id=event_id)
    writing.flush()
    with transaction.atomic():
        told = events.filter(kind=Event.Kind.SEARCH).values_list("search_id", flat=True)
        logged = [each for each in told if each]
        searches_of(shopper).filter(pk__in=logged).order_by().delete()
        return _deleted(events)


def take_back(shopper: Shopper, product_id: int) -> int:
    """Delete what this shopper said against a product."""
    return _deleted(events_of(shopper).filter(product_id=product_id, kind__in=AGAINST))


def forget_all(shopper: Shopper) -> int:
    """Delete every event of this shopper, and what tied their devices and what was shown to them together.

    The shopper itself stays, empty: with it the choice not to be shown personal things, and the account.
    """
    writing.flush()  # what this process has not written yet would be written afterwards
    with transaction.atomic():
        devices = devices_of(shopper)
        gone = _deleted(Event.objects.filter(shopper__in=devices))
        forget_visitors([each.key for each in devices])
        Placement.objects.filter(shopper__in=devices).update(shopper=None)
        Shopper.objects.filter(pk__in=[each.pk for each in devices if each.merged_into_id]).delete()
    return gone


def forget_stranger(key: uuid.UUID) -> int:
    """Delete what the log of searches holds of somebody who did nothing else; return how many searches went."""
    writing.flush()
    return forget_visitors([key])


def export(shopper: Shopper) -> Iterator[dict[str, Any]]:
    """Every event, every sponsored place and every search as JSON values, oldest first.

    That is what the law calls a copy of the personal data, so nothing that is stored is left out.
    """
    events = events_of(shopper).reverse().values(
        "event_id", "kind", "product__sku", "product__title", "query", "surface", "position", "value", "quantity",
        "basket", "session", "device", "consent", "happened_at", "received_at", "search_id",
    )  # fmt: skip
    for row in events.iterator(chunk_size=1000):
        yield _told(row)
    # Without what the store pays, which is its own affair.
    placements = (
        placements_of(shopper)
        .reverse()
        .values("key", "product__sku", "product__title", "surface", "position", "relevance", "shown_at", "clicked_at")
    )
    for place in placements.iterator(chunk_size=1000):
        yield _told({"kind": "sponsored", **place})
    yield from export_searches(_keys(shopper))


def export_searches(keys: Collection[uuid.UUID]) -> Iterator[dict[str, Any]]:
    """The searches under these keys alone, as `export` has them."""
    searches = LoggedSearch.objects.filter(visitor__in=keys).order_by("happened_at", "pk")
    for search in searches.values(*_OF_SEARCHES).iterator(chunk_size=1000):
        yield _told({"kind": "logged search", **search})


_OF_SEARCHES = (
    "id", "query", "language", "mode", "picture", "surface", "device", "page", "total", "told", "shown", "arm",
    "teams", "happened_at",
)  # fmt: skip


def _keys(shopper: Shopper) -> list[uuid.UUID]:
    return [each.key for each in devices_of(shopper)]


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "_"): value for name, value in row.items() if value not in (None, "")}


def _deleted(events: QuerySet[Event]) -> int:
    return events.order_by().delete()[0]
