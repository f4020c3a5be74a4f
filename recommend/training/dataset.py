"""From the event log to what models learn from: cleaned histories in item rows, and the items described.

Everything is a flat array, with the places where each history begins: a log has millions of events, and one Python
object for each would take a hundred times the room. A training works on a copy on disk (`save`, `load`), so that after
a kill it goes on from the same data, whatever has happened in the shop since; but where somebody's history was
forgotten, it begins anew.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, overload

import numpy as np
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from catalog.models import Product
from recommend.events import cleaning
from recommend.events.history import AGAINST
from recommend.events.models import Event, Shopper
from recommend.models.base import Ids, Interactions, Items
from recommend.training.features import AT_ONCE, MOST_ATTRIBUTES, Features, described
from recommend.training.live import Live, read_features, read_items, write_features, write_items
from search.index.compare import batched

Kind = Event.Kind
# How much an event of a kind counts where a model's success is measured.
WEIGHTS = {Kind.VIEW: 1.0, Kind.CLICK: 1.0, Kind.RATING: 2.0, Kind.LIKE: 2.0, Kind.CART: 2.0, Kind.PURCHASE: 3.0}
_WEIGHTS = np.array([WEIGHTS.get(Kind(kind), 0.0) for kind in cleaning.KINDS], np.float32)
COLUMNS = ("shoppers", "starts", "rows", "times", "weights")


class Ragged(Sequence[NDArray[Any]]):
    """A sequence of arrays of different lengths, cut out of one flat array when asked for."""

    def __init__(self, values: NDArray[Any], starts: NDArray[np.int64]) -> None:
        self.values = values
        self.starts = starts  # (n + 1,)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, which: int) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, which: slice) -> list[NDArray[Any]]: ...
    def __getitem__(self, which: int | slice) -> NDArray[Any] | list[NDArray[Any]]:
        if isinstance(which, slice):
            return [self[row] for row in range(*which.indices(len(self)))]
        if not -len(self) <= which < len(self):
            raise IndexError(which)
        which %= len(self)
        return self.values[self.starts[which] : self.starts[which + 1]]


@dataclass(frozen=True)
class Dataset:
    """Histories of h shoppers with e events in all, oldest first, and the items that they are made of."""

    items: Items
    features: Features
    shoppers: NDArray[np.int64]  # (h,) ids
    starts: NDArray[np.int64]  # (h + 1,) where each history begins in the columns below
    rows: Ids  # (e,) item rows
    times: NDArray[np.float64]  # (e,) seconds since the epoch
    weights: NDArray[np.float32]  # (e,) WEIGHTS of the event's kind

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def until(self) -> float:
        """Time of the newest event; 0 without events."""
        return float(self.times.max()) if len(self) else 0.0

    def interactions(self) -> Interactions:
        return Interactions(self.items, Ragged(self.rows, self.starts), times=Ragged(self.times, self.starts))

    def before(self, moment: float) -> "Dataset":
        """What had happened by then; shoppers without an event are left out."""
        return self._take(self.times < moment)

    def recent(self, since: float) -> "Dataset":
        """The whole histories of the shoppers who did something since then: an event says little without its past."""
        newest = np.maximum.reduceat(self.times, self.starts[:-1]) if len(self) else np.zeros(0)
        return self._take(np.repeat(newest >= since, np.diff(self.starts)))

    def split_at(self, share: float) -> float:
        """The moment from which on the newest `share` of the events happened."""
        return float(np.quantile(self.times, 1 - share)) if len(self) else 0.0

    def of_shoppers(self, which: NDArray[np.bool_]) -> "Dataset":
        """The histories of a part (h,) of the shoppers."""
        return self._take(np.repeat(which, np.diff(self.starts)))

    def _take(self, kept: NDArray[np.bool_]) -> "Dataset":
        counts = np.add.reduceat(kept, self.starts[:-1]) if len(self) else np.zeros(0, np.int64)
        some = counts > 0
        columns = {name: getattr(self, name)[kept] for name in ("rows", "times", "weights")}
        starts = np.concatenate([[0], np.cumsum(counts[some])]).astype(np.int64)
        return replace(self, shoppers=self.shoppers[some], starts=starts, **columns)

    def save(self, folder: Path, report: dict[str, Any]) -> None:
        write_items(folder, self.items)
        write_features(folder, self.features)
        for name in COLUMNS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        (folder / "report.json").write_text(json.dumps(report))

    @classmethod
    def load(cls, folder: Path) -> tuple["Dataset", dict[str, Any]]:
        """Return what `save` wrote, mapped and not read, and the cleaning report."""
        columns = {name: np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False) for name in COLUMNS}
        report = json.loads((folder / "report.json").read_text())
        return cls(read_items(folder), read_features(folder), **columns), report


def read(
    *, since: datetime | None = None, until: datetime | None = None, known: Live | None = None
) -> tuple[Dataset, dict[str, Any]]:
    """Read the log and describe the items: all published products, and those that histories need besides.

    `known`: a model to continue from; its items keep their rows, and others come behind them. The report is that of
    `recommend.events.cleaning.clean`, with `rejected` (hidden or not wanted), `taken_out` (of the cart) and
    `products_gone` (deleted), which were removed before, and with `shoppers`, `products`, `since` and `until`.
    """
    rows = cleaning.from_log(since, until)
    total = len(rows)
    rows, rejected, taken_out = _without_regrets(rows)
    items, features = _items(np.unique(rows.products), known)
    order = np.argsort(items.keys)
    place = np.searchsorted(items.keys, rows.products, sorter=order).clip(max=max(len(items) - 1, 0))
    there = items.keys[order[place]] == rows.products if len(items) else np.zeros(len(rows), bool)
    gone = int((~there).sum())
    rows, report = cleaning.clean(rows.take(there))
    place = order[np.searchsorted(items.keys, rows.products, sorter=order)] if len(rows) else np.zeros(0, np.int64)
    shoppers, starts = np.unique(rows.shoppers, return_index=True)
    dataset = Dataset(
        items=items,
        features=features,
        shoppers=shoppers,
        starts=np.append(starts, len(rows)).astype(np.int64),
        rows=place.astype(np.int64),
        times=rows.times,
        weights=_WEIGHTS[rows.kinds],
    )
    report |= {
        "events": total, "rejected": rejected, "taken_out": taken_out, "products_gone": gone,
        "shoppers": len(shoppers), "products": len(items),
        "since": since.isoformat() if since else None, "until": until.isoformat() if until else None,
    }  # fmt: skip
    return dataset, report


def holds_forgotten(dataset: Dataset, report: dict[str, Any]) -> bool:
    """Whether nothing is left in the log of somebody in a dataset that `read` gave, or nothing that may be used."""
    until = datetime.fromisoformat(report["until"]) if report["until"] else None
    roots = dict(
        Shopper.objects.annotate(root=Coalesce("merged_into", "pk")).values_list("pk", "root").iterator()
    )  # who has joined an account meanwhile goes by that
    left = set(cleaning.usable(until=until).order_by().values_list("root", flat=True).distinct())
    return any(roots.get(shopper) not in left for shopper in dataset.shoppers.tolist())


def _items(products: Ids, known: Live | None) -> tuple[Items, Features]:
    """Describe the products of histories, the published ones and the known ones; deleted ones only if known."""
    features = Features.current()
    keys: list[int] = []
    if known is not None:
        features = replace(known.features, ids=dict(known.features.ids))
        keys = known.items.keys.tolist()
    row_of = {key: row for row, key in enumerate(keys)}
    shown = Product.objects.filter(status=Product.Status.PUBLISHED).order_by("id").values_list("id", flat=True)
    there = Product.objects.order_by("id").values_list("id", flat=True)
    for portion in (shown, *(there.filter(id__in=ids) for ids in batched(products.tolist(), AT_ONCE))):
        for id in portion:
            row_of.setdefault(id, len(row_of))
    n = len(row_of)
    content = np.zeros((n, features.dim), np.float32)
    attributes, categories = np.zeros((n, MOST_ATTRIBUTES), np.int64), np.full(n, -1, np.int64)
    for entries in described(row_of, published=False):
        features.learn(entries)
        part = features.items(entries)
        where = [row_of[key] for key in part.keys.tolist()]
        assert part.attributes is not None and part.categories is not None  # noqa: S101, PT018  (`Features` makes them)
        attributes[where], categories[where] = part.attributes, part.categories
        if part.content is not None:
            content[where] = part.content
    return Items(np.array(list(row_of), np.int64), content if features.dim else None, attributes, categories), features


def _without_regrets(rows: cleaning.Rows) -> tuple[cleaning.Rows, int, int]:
    """Without products that the shopper rejected, and without what was put into the cart and taken out again.

    Returns what is left and how many events each of the two took. A like after a rejection takes it back.
    """
    regrets = (
        Event.objects.filter(kind__in=(*AGAINST, Kind.REMOVE, Kind.LIKE), consent=True, product__isnull=False)
        .annotate(root=Coalesce("shopper__merged_into", "shopper"))
        .order_by("happened_at", "pk")
        .values_list("root", "product_id", "kind", "happened_at")
    )
    rejected: set[tuple[int, int]] = set()
    removed: list[tuple[int, int, float]] = []
    for shopper, product, kind, at in regrets.iterator(chunk_size=20_000):
        if kind == Kind.REMOVE:
            removed.append((shopper, product, at.timestamp()))
        elif kind == Kind.LIKE:
            rejected.discard((shopper, product))
        else:
            rejected.add((shopper, product))
    kept = np.ones(len(rows), bool)
    counts = Counter[str]()
    for shopper, product in rejected:
        start, end = np.searchsorted(rows.shoppers, [shopper, shopper + 1])
        found = start + np.flatnonzero(rows.products[start:end] == product)
        counts["rejected"] += int(kept[found].sum())
        kept[found] = False
    in_cart = rows.kinds == cleaning.KINDS[Kind.CART]
    for shopper, product, moment in removed:
        start, end = np.searchsorted(rows.shoppers, [shopper, shopper + 1])
        before = in_cart[start:end] & kept[start:end] & (rows.times[start:end] <= moment)
        found = start + np.flatnonzero(before & (rows.products[start:end] == product))
        if len(found):
            counts["taken_out"] += 1
            kept[found[-1]] = False
    return rows.take(kept), counts["rejected"], counts["taken_out"]
