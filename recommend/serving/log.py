"""The event log as arrays, for counting. Only what shoppers agreed to have used."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from catalog.models import Product
from recommend.events.cleaning import KINDS, Rows, clean, from_log
from recommend.events.models import Event

DAY = 86_400
CHUNK = 20_000  # rows fetched at once
# How much one event says of demand.
_WEIGHT_OF = {
    Event.Kind.VIEW: 1.0,
    Event.Kind.CLICK: 1.0,
    Event.Kind.RATING: 2.0,
    Event.Kind.LIKE: 2.0,
    Event.Kind.CART: 3.0,
    Event.Kind.PURCHASE: 5.0,
}
WEIGHTS = np.array([_WEIGHT_OF.get(Event.Kind(kind), 0.0) for kind in KINDS])  # by the codes of Log.kinds
_BOUGHT = KINDS[Event.Kind.PURCHASE]


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
    kinds: NDArray[np.int64]  # recommend.events.cleaning.KINDS
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
    """Read what happened from `since` to before `until`, without bots, double clicks and refreshes."""
    rows, _ = clean(from_log(since, until))
    at = shelf.rows_of(rows.products)
    rows, at = rows.take(at >= 0), at[at >= 0]
    return Log(rows.shoppers, at, rows.kinds.astype(np.int64), rows.times, _baskets(rows))


def _baskets(rows: Rows) -> NDArray[np.int64]:
    """The basket of each purchase; what one shopper bought on one day without naming a basket is one."""
    bought = rows.kinds == _BOUGHT
    named = np.where(bought & (rows.baskets > 0), rows.baskets, -1)
    unnamed = np.flatnonzero(bought & (rows.baskets == 0))
    if len(unnamed):
        days = np.stack([rows.shoppers[unnamed], (rows.times[unnamed] // DAY).astype(np.int64)])
        numbers = np.unique(days, axis=1, return_inverse=True)[1].ravel()
        named[unnamed] = named.max(initial=0) + 1 + numbers
    return named
