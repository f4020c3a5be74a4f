"""Marking products as changed: version, outbox, and the nudge that saves waiting for the next sweep."""

from collections.abc import Iterable
from itertools import islice

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from catalog.messages import send
from catalog.models import OutboxEntry, Product

BATCH = 500
DRAIN_TASK = "workers.tasks.drain_outbox"  # by name: the catalogue knows no workers
Products = QuerySet[Product] | Iterable[int]


def ids_of(products: Products) -> list[int]:
    """Return the ids in ascending order, so that two writers lock the same rows in the same order."""
    if isinstance(products, QuerySet):
        return sorted(set(products.values_list("pk", flat=True)))
    return sorted(set(products))


def batches(ids: Iterable[int], size: int = BATCH) -> Iterable[list[int]]:
    iterator = iter(ids)
    while batch := list(islice(iterator, size)):
        yield batch


def mark_changed(products: Products) -> int:
    """Bump `version` and add an outbox entry for each product, and nudge a worker once after the commit.

    Returns how many products were marked. It joins the caller's transaction, or makes its own.
    """
    ids = ids_of(products)
    with transaction.atomic():
        for batch in batches(ids):
            Product.objects.filter(pk__in=batch).update(version=F("version") + 1)
            OutboxEntry.add(batch)
        if ids:
            nudge_after_commit()
    return len(ids)


def request_reembedding(products: Products) -> int:
    """Ask for the products' points to be made again although nothing about them changed. Returns how many."""
    return mark_changed(products)


def retry_parked(entries: QuerySet[OutboxEntry]) -> int:
    """Put those of the entries that were given up back into the queue, with a fresh count of attempts."""
    with transaction.atomic():
        count = entries.filter(parked_at__isnull=False).update(
            attempts=0, error="", parked_at=None, available_at=timezone.now()
        )
        if count:
            nudge_after_commit()
    return count


def nudge_after_commit() -> None:
    """Wake a worker after the commit of the running transaction, once however often it is asked for."""
    connection = transaction.get_connection()
    if not any(function is nudge for _, function, _ in connection.run_on_commit):
        transaction.on_commit(nudge)


def nudge() -> None:
    """Send the drain task. What is lost here costs one sweep, so a broker that is down is no error."""
    send(DRAIN_TASK)
