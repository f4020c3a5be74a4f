"""The event log as arrays, for counting. Only what shoppers agreed to have used."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from catalog.models import Product
from recommend.events.models import Event

DAY = 86_400
CHUNK = 20_000  # rows fetched at once
# What a shopper took interest in, and how much one such event says of demand.
WEIGHTS = {
    Event.Kind.VIEW: 1.0,
    Event.Kind.CLICK: 1.0,
    Event.Kind.LIKE: 2.0,
    Event.Kind.CART: 3.0,
    Event.Kind.PURCHASE: 5.0,
}
KINDS = tuple(WEIGHTS)


@dataclass(frozen=True)
class Shelf:
    """The products that exist, by row. Row i of everything is product `ids[i]`; ids ascend."""

    ids: NDArray[np.int64]
    categories: NDArray[np.int64]  # 0: none
    paths: list[str]  # of the category, "" for none
    families: NDArray[np.int64]  # numbered; 0: none
    published: NDArray[np.float64]  # seconds since the epoch; 0: unknown

    def rows_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each id, and -1 for those that are not on the shelf."""
        if not len(self.ids):
            return np.full(len(ids), -1)
        at = np.searchsorted(self.ids, ids).clip(max=len(self.ids) - 1)
        return np.where(self.ids[at] == ids, at, -1)


@dataclass(frozen=True)
class Log:
    """Events of interest in published products, by shopper and then by time."""

    shoppers: NDArray[np.int64]
    rows: NDArray[np.int64]  # of the Shelf
    kinds: NDArray[np.int64]  # positions in KINDS
    times: NDArray[np.float64]  # seconds since the epoch
    baskets: NDArray[np.int64]  # what was bought together has one number; -1 where nothing was bought

    def __len__(self) -> int:
        return len(self.rows)


def read_shelf() -> Shelf:
    found = (
        Product.objects.filter(status=Product.Status.PUBLISHED)
        .order_by("pk")
        .values_list("pk", "category_id", "category__path", "family", "published_at")
    )
    ids, categories, paths, families, published = [], [], [], [], []
    numbers: dict[str, int] = {"": 0}
    for pk, category, path, family, at in found.iterator(chunk_size=CHUNK):
        ids.append(pk)
        categories.append(category or 0)
        paths.append(path or "")
        families.append(numbers.setdefault(family, len(numbers)))
        published.append(at.timestamp() if at else 0.0)
    return Shelf(
        np.array(ids, np.int64),
        np.array(categories, np.int64),
        paths,
        np.array(families, np.int64),
        np.array(published, np.float64),
    )


def read_log(shelf: Shelf, since: datetime, until: datetime) -> Log:
    """Read what happened from `since` to before `until`. A shopper on several devices is one (`merged_into`)."""
    events = (
        Event.objects.filter(
            happened_at__gte=since, happened_at__lt=until, kind__in=KINDS, product__isnull=False, consent=True
        )
        .annotate(who=Coalesce("shopper__merged_into", "shopper_id"))
        .order_by()
        .values_list("who", "product_id", "kind", "happened_at", "basket", "session")
    )
    position = {str(kind): number for number, kind in enumerate(KINDS)}
    bought = position[Event.Kind.PURCHASE]
    together: dict[tuple[int, str], int] = {}
    table = []
    for who, product, kind, at, basket, session in events.iterator(chunk_size=CHUNK):
        number, seconds = -1, at.timestamp()
        if position[kind] == bought:
            # Without a basket's name, what one shopper bought in one session, or else on one day, is one basket.
            name = f"b{basket}" if basket else f"s{session}" if session else f"d{int(seconds // DAY)}"
            number = together.setdefault((who, name), len(together))
        table.append((who, product, position[kind], seconds, number))
    columns = [np.array(column) for column in zip(*table, strict=True)] or [np.zeros(0)] * 5
    rows = shelf.rows_of(columns[1].astype(np.int64))
    order = np.lexsort((columns[3], columns[0]))
    order = order[rows[order] >= 0]
    return Log(
        shoppers=columns[0].astype(np.int64)[order],
        rows=rows[order],
        kinds=columns[2].astype(np.int64)[order],
        times=columns[3].astype(np.float64)[order],
        baskets=columns[4].astype(np.int64)[order],
    )
