"""Database against index, row by row: two streams in the order of the ids, merged, so that memory stays constant."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, TypeVar

from catalog.models import OutboxEntry, Product
from search.documents import build_documents, products_for_indexing
from search.index.batch import isolating
from search.index.client import get_client

T = TypeVar("T")
Verdict = Literal["level", "missing", "stale", "orphaned"]
Stamp = tuple[int, str | None]  # version, and fingerprint where it was asked for
PRODUCTS_AT_ONCE = 500
POINTS_AT_ONCE = 1000
UNBUILDABLE = "unbuildable"  # no point has this fingerprint


@dataclass(frozen=True)
class Comparison:
    """How the index stands to the database, in products. `waiting` and `parked` are the outbox's entries."""

    products: int
    indexed: int
    missing: int
    stale: int
    orphaned: int
    waiting: int
    parked: int

    @property
    def clean(self) -> bool:
        return not (self.missing or self.stale or self.orphaned)


def compare_all(collection: str, *, mend: bool = False) -> Comparison:
    """Compare every product and every point, by fingerprint. With `mend`, queue what differs in the outbox."""
    counts: Counter[Verdict] = Counter()
    for portion in batched(compare(collection, thorough=True), PRODUCTS_AT_ONCE):
        counts.update(verdict for _, verdict in portion)
        if mend:
            OutboxEntry.add(id for id, verdict in portion if verdict != "level")
    parked = OutboxEntry.objects.exclude(parked_at=None).count()
    return Comparison(
        **in_products(counts),
        waiting=OutboxEntry.objects.filter(parked_at=None).count(),
        parked=parked,
    )


def in_products(counts: Counter[Verdict]) -> dict[str, int]:
    """What the verdicts say of products and points."""
    return {
        "products": counts["level"] + counts["stale"] + counts["missing"],
        "indexed": counts["level"] + counts["stale"] + counts["orphaned"],
        "missing": counts["missing"],
        "stale": counts["stale"],
        "orphaned": counts["orphaned"],
    }


def compare(collection: str, *, thorough: bool) -> Iterator[tuple[int, Verdict]]:
    """Each id that is in either, ascending, with what is the matter with it.

    `thorough` builds each product's document as it would be now and compares fingerprints; otherwise versions only.
    """
    points, products = _points(collection), _products(thorough)
    point, product = next(points, None), next(products, None)
    while point is not None or product is not None:
        if product is None or (point is not None and point[0] < product[0]):
            assert point is not None  # noqa: S101  (by the loop's condition)
            yield point[0], "orphaned"
            point = next(points, None)
        elif point is None or product[0] < point[0]:
            yield product[0], "missing"
            product = next(products, None)
        else:
            yield product[0], "level" if _same(product[1], point[1]) else "stale"
            point, product = next(points, None), next(products, None)


def _same(product: Stamp, point: Stamp) -> bool:
    return product[0] == point[0] and product[1] in (None, point[1])


def _products(thorough: bool) -> Iterator[tuple[int, Stamp]]:
    last = 0
    while True:
        published = Product.objects.filter(status=Product.Status.PUBLISHED, id__gt=last).order_by("id")
        versions = dict(published.values_list("id", "version")[:PRODUCTS_AT_ONCE])
        if not versions:
            return
        last = max(versions)
        if not thorough:
            yield from ((id, (version, None)) for id, version in versions.items())
            continue
        # The database may have moved on between the two queries; the second one counts.
        products = list(products_for_indexing(versions).order_by("id"))
        documents, _ = isolating(build_documents, products)
        stamps: dict[int, Stamp] = {each.id: (each.version, UNBUILDABLE) for each in products}
        stamps |= {each.product_id: (each.version, each.fingerprint) for each in documents}
        yield from sorted(stamps.items())


def _points(collection: str) -> Iterator[tuple[int, Stamp]]:
    offset: Any = None
    while True:
        records, offset = get_client().scroll(
            collection, limit=POINTS_AT_ONCE, offset=offset, with_payload=["version", "fingerprint"]
        )
        for record in records:
            payload = record.payload or {}
            yield int(record.id), (payload.get("version", 0), payload.get("fingerprint", ""))
        if offset is None:
            return


def stored_versions(collection: str, ids: list[int]) -> dict[int, int]:
    """Product id -> the version that its point was made from, for those that have a point."""
    versions: dict[int, int] = {}
    for portion in batched(ids, POINTS_AT_ONCE):
        records = get_client().retrieve(collection, portion, with_payload=["version"])
        versions |= {int(record.id): (record.payload or {}).get("version", 0) for record in records}
    return versions


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` items. (itertools has it from Python 3.12 on.)"""
    iterator = iter(items)
    while portion := list(islice(iterator, size)):
        yield portion
