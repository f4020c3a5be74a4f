"""What models learn from: the log without what no shopper meant.

Columns instead of rows, since a log has millions: a column is a numpy array, and row i of each is one event.
"""

from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from recommend.events.history import LOWEST_GOOD, POSITIVE, Kind
from recommend.events.models import Event

Mask = NDArray[np.bool_]
# By how much a kind of event says: of several on one product in a row, the strongest stays.
STRENGTH = {
    kind: strength
    for strength, kind in enumerate((Kind.VIEW, Kind.CLICK, Kind.RATING, Kind.LIKE, Kind.CART, Kind.PURCHASE))
}
KINDS = {str(kind): code for code, kind in enumerate(Kind.values)}  # what Rows.kinds holds
_STRENGTHS = np.array([STRENGTH.get(Kind(kind), -1) for kind in Kind.values], np.int64)
_LOOKING = [KINDS[Kind.VIEW], KINDS[Kind.CLICK]]
_PURCHASE, _VIEW = KINDS[Kind.PURCHASE], KINDS[Kind.VIEW]


@dataclass(frozen=True)
class Rows:
    """Events as columns of (n,), sorted by shopper and then by time. Devices that were merged are one shopper."""

    shoppers: NDArray[np.int64]
    products: NDArray[np.int64]
    kinds: NDArray[np.int8]  # KINDS
    times: NDArray[np.float64]  # seconds since the epoch
    baskets: NDArray[np.int64]  # the same number for what was bought at once by one shopper; 0: no basket

    def __len__(self) -> int:
        return len(self.shoppers)

    def take(self, which: Any) -> "Rows":
        """Return the rows of a mask or of indexes, in the order given."""
        return Rows(*(getattr(self, each.name)[which] for each in fields(self)))

    def sorted(self) -> "Rows":
        """Sort by shopper and time; events of one moment keep their order."""
        return self.take(np.lexsort((self.times, self.shoppers)))


@dataclass(frozen=True)
class Rules:
    """When an event says nothing about taste. Times are in seconds."""

    double_seconds: float = 2.0  # the same shopper, product and kind again: a double click, or a page that sent twice
    refresh_seconds: float = 1800.0  # the same page again with nothing in between
    # Views and clicks faster than any person, in a minute or in a day. Purchases come many at once, and count for none.
    bot_per_minute: int = 60
    bot_per_day: int = 3000
    rebuy_seconds: float = 43_200.0  # bought again later than this, it was meant


def usable(since: datetime | None = None, until: datetime | None = None) -> QuerySet[Any]:
    """What speaks for products and may be used, of shoppers who left personalisation on, in [since, until).

    `root` is the shopper at the root of the merges.
    """
    events = Event.objects.filter(kind__in=POSITIVE, consent=True, product__isnull=False)
    events = events.exclude(kind=Kind.RATING, value__lt=LOWEST_GOOD)
    # The one at the root decides for all devices, as in `history`.
    events = events.filter(
        Q(shopper__merged_into=None, shopper__personalised=True) | Q(shopper__merged_into__personalised=True)
    )
    if since:
        events = events.filter(happened_at__gte=since)
    if until:
        events = events.filter(happened_at__lt=until)
    return events.annotate(root=Coalesce("shopper__merged_into", "shopper"))


def from_log(since: datetime | None = None, until: datetime | None = None) -> Rows:
    """Read the log, as `usable` says."""
    found = (
        usable(since, until)
        .order_by("root", "happened_at", "pk")
        .values_list("root", "product_id", "kind", "happened_at", "basket")
    )
    return from_tuples(found.iterator(chunk_size=20_000))


def from_tuples(events: Any) -> Rows:
    """From (shopper, product, kind, time, basket) each, with a datetime and a text; "" for no basket."""
    # Packed while they are read: as Python's own objects a long log would take five times the room.
    columns: list[array[Any]] = [array(code) for code in "qqbdq"]
    baskets: dict[tuple[int, str], int] = {}
    for shopper, product, kind, at, basket in events:
        number = baskets.setdefault((shopper, basket), len(baskets) + 1) if basket else 0
        for column, value in zip(columns, (shopper, product, KINDS[kind], at.timestamp(), number), strict=True):
            column.append(value)
    types = (np.int64, np.int64, np.int8, np.float64, np.int64)
    return Rows(*(np.array(column, type_) for column, type_ in zip(columns, types, strict=True))).sorted()


def clean(rows: Rows, rules: Rules | None = None) -> tuple[Rows, dict[str, Any]]:
    """Return what is left, and a report of how many events each rule took.

    The report's `events` is the sum of `double_clicks`, `bots`, `refreshes`, `self_loops` and `kept`; `bot_shoppers`
    counts who was taken for a program, and `rules` holds the thresholds. Cleaning what is clean changes nothing.
    """
    rules = rules or Rules()
    rows = rows.sorted()
    report: dict[str, Any] = {"events": len(rows)}
    bots = _bots(rows, rules)
    report["bot_shoppers"] = len(bots)
    steps: list[tuple[str, Callable[[Rows, Rules], Mask]]] = [
        ("bots", lambda rows, _: np.isin(rows.shoppers, bots)),
        ("double_clicks", _double_clicks),
        ("refreshes", _refreshes),
        ("self_loops", _self_loops),
    ]
    for name, find in steps:
        found = find(rows, rules)
        report[name] = int(found.sum())
        rows = rows.take(~found)
    return rows, {**report, "kept": len(rows), "rules": asdict(rules)}


def _bots(rows: Rows, rules: Rules) -> NDArray[np.int64]:
    """Shoppers who looked at more than a person can, within any minute or any day."""
    looking = rows.take(np.isin(rows.kinds, _LOOKING))
    found: list[NDArray[np.int64]] = []
    for most, seconds in ((rules.bot_per_minute, 60.0), (rules.bot_per_day, 86_400.0)):
        # The event `most` further on is too many, if it is the same shopper's and came within the time.
        first, last = looking.shoppers[:-most], looking.shoppers[most:]
        too_fast = (first == last) & (looking.times[most:] - looking.times[:-most] < seconds)
        found.append(first[too_fast])
    return np.unique(np.concatenate(found))


def _double_clicks(rows: Rows, rules: Rules) -> Mask:
    order = np.lexsort((rows.times, rows.kinds, rows.products, rows.shoppers))
    ordered = rows.take(order)
    found = np.zeros(len(rows), bool)
    found[order[1:]] = (
        _again(ordered.shoppers)
        & _again(ordered.products)
        & _again(ordered.kinds)
        & (np.diff(ordered.times) <= rules.double_seconds)
    )
    return found


def _refreshes(rows: Rows, rules: Rules) -> Mask:
    found = np.zeros(len(rows), bool)
    viewed = rows.kinds == _VIEW
    found[1:] = (
        _again(rows.shoppers)
        & _again(rows.products)
        & viewed[1:]
        & viewed[:-1]
        & (np.diff(rows.times) <= rules.refresh_seconds)
    )
    return found


def _self_loops(rows: Rows, rules: Rules) -> Mask:
    """All but the strongest of the events in a row on one product: no product follows itself.

    Bought again on another day is no loop: that is how people buy groceries.
    """
    if not len(rows):
        return np.zeros(0, bool)
    starts = np.ones(len(rows), bool)
    starts[1:] = ~(_again(rows.shoppers) & _again(rows.products))
    bought = rows.kinds == _PURCHASE
    starts |= _rebought(rows, np.cumsum(starts), bought, rules)
    runs = np.cumsum(starts)
    # By run, then the strongest first, then the earliest.
    order = np.lexsort((np.arange(len(rows)), -_STRENGTHS[rows.kinds], runs))
    kept = np.zeros(len(rows), bool)
    first_of_run = np.ones(len(rows), bool)
    first_of_run[1:] = np.diff(runs[order]) > 0
    kept[order[first_of_run]] = True
    return ~kept


def _rebought(rows: Rows, runs: NDArray[np.int64], bought: Mask, rules: Rules) -> Mask:
    """Purchases that come long enough behind the last one of the same run."""
    found = np.zeros(len(rows), bool)
    purchases = np.flatnonzero(bought)
    later, before = purchases[1:], purchases[:-1]
    found[later] = (runs[later] == runs[before]) & (rows.times[later] - rows.times[before] > rules.rebuy_seconds)
    return found


def _again(column: NDArray[Any]) -> Mask:
    """(n - 1,) whether each value from the second on equals the one before it."""
    return np.asarray(column[1:] == column[:-1])
