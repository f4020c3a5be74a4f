"""What goes with what: pairs of products in baskets, and from one category to another, with a floor of significance."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommend.serving.log import DAY, Log, Shelf
from recommend.serving.significance import ONE_IN_A_HUNDRED, ONE_IN_A_THOUSAND, g_squared, lift

Ints = NDArray[np.int64]

MOST_IN_BASKET = 60  # more is a shop's own order: every pair of it would count
WINDOW = 10  # events between what comes first and what comes next
LONGEST_GAP = 30 * DAY  # seconds
# Of different shoppers: what one person does is a habit of that person, and to show it would give that person away.
FEWEST_SHOPPERS = 2
CHUNK = 200_000  # events whose pairs are in memory at once


@dataclass(frozen=True)
class Pairs:
    """Row i says: `together[i]` units have first[i] and second[i]; `alone[i]` have first[i]. Strongest first."""

    first: Ints
    second: Ints
    together: Ints
    alone: Ints
    lift: NDArray[np.float64]
    g_squared: NDArray[np.float64]

    def by_first(self, most: int) -> dict[int, list[list[float]]]:
        """first -> [[second, together, alone, lift, G²], …], at most `most` of each."""
        found: dict[int, list[list[float]]] = {}
        columns = (self.first, self.second, self.together, self.alone, self.lift.round(3), self.g_squared.round(2))
        for first, *rest in zip(*(column.tolist() for column in columns), strict=True):
            rows = found.setdefault(first, [])
            if len(rows) < most:
                rows.append(rest)
        return found


def in_baskets(log: Log, shelf: Shelf) -> Pairs:
    """Products of one basket, and not of one family. Units are baskets, of two shoppers at least."""
    n = len(shelf.ids)
    owners, items, shoppers = _baskets(log, n)
    frequency = np.bincount(items, minlength=n)
    total = len(np.unique(owners))
    counts, witnesses = _Counter(), _Counter()
    for part in _chunks(owners):
        for distance in range(1, MOST_IN_BASKET):
            left, right = _apart(owners[part], distance)
            if not len(left):
                break
            a, b = items[part][left], items[part][right]
            kin = (shelf.families[a] == shelf.families[b]) & (shelf.families[a] > 0)
            key = (np.minimum(a, b) * n + np.maximum(a, b))[~kin]
            counts.add(key)
            witnesses.once(shoppers[part][left][~kin], key)
    keys, together = counts.result()
    seen_by = dict(zip(*(each.tolist() for each in witnesses.result()), strict=True))
    kept = np.array([seen_by.get(key, 0) >= FEWEST_SHOPPERS for key in keys.tolist()], bool)
    return _significant(keys[kept], together[kept], n, frequency, total, ONE_IN_A_THOUSAND, both_ways=True)


def across_categories(log: Log, shelf: Shelf) -> tuple[Pairs, Pairs]:
    """What comes next, or together, from another category: pairs of products, and of categories. Units are shoppers.

    Categories of which one lies within the other are one kind.
    """
    n, highest = len(shelf.ids), int(shelf.categories.max(initial=0)) + 1
    products, categories = _Counter(), _Counter()
    path_of = dict(zip(shelf.categories.tolist(), shelf.paths, strict=True))
    for shoppers, a, b in _steps(log, n):
        key = shelf.categories[a] * highest + shelf.categories[b]
        distinct, inverse = np.unique(key, return_inverse=True)
        crosses = [_crosses(path_of[each // highest], path_of[each % highest]) for each in distinct.tolist()]
        kept = np.array(crosses, bool)[inverse] if len(key) else np.zeros(0, bool)
        products.once(shoppers[kept], (a * n + b)[kept])
        categories.once(shoppers[kept], key[kept])
    total = len(np.unique(log.shoppers))
    of_product = _shoppers_of(log.shoppers, log.rows, n)
    of_category = _shoppers_of(log.shoppers, shelf.categories[log.rows], highest)
    return tuple(  # type: ignore[return-value]
        _significant(keys[together >= FEWEST_SHOPPERS], together[together >= FEWEST_SHOPPERS], width, frequency, total,
                     ONE_IN_A_HUNDRED)
        for (keys, together), width, frequency in (
            (products.result(), n, of_product), (categories.result(), highest, of_category)
        )
    )  # fmt: skip


class _Counter:
    """Counts keys that come in portions."""

    def __init__(self) -> None:
        self._keys = np.zeros(0, np.int64)
        self._counts = np.zeros(0, np.int64)

    def add(self, keys: Ints) -> None:
        found, counts = np.unique(keys, return_counts=True)
        self._merge(found, counts)

    def once(self, owners: Ints, keys: Ints) -> None:
        """Count a key once an owner. An owner's keys must all come in one portion, or it counts again."""
        self.add(np.unique(np.stack([owners, keys]), axis=1)[1])

    def _merge(self, keys: Ints, counts: Ints) -> None:
        merged, inverse = np.unique(np.concatenate([self._keys, keys]), return_inverse=True)
        weights = np.concatenate([self._counts, counts])
        self._keys, self._counts = merged, np.bincount(inverse, weights, minlength=len(merged)).astype(np.int64)

    def result(self) -> tuple[Ints, Ints]:
        return self._keys, self._counts


def _baskets(log: Log, n: int) -> tuple[Ints, Ints, Ints]:
    """(basket, product, shopper), each product once a basket; baskets that are too large are left out."""
    bought = log.baskets >= 0
    _, at = np.unique(log.baskets[bought] * n + log.rows[bought], return_index=True)
    owners, items, shoppers = (column[bought][at] for column in (log.baskets, log.rows, log.shoppers))
    if not len(owners):
        return owners, items, shoppers
    fits = np.bincount(owners)[owners] <= MOST_IN_BASKET
    return owners[fits], items[fits], shoppers[fits]


def _steps(log: Log, n: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    """(shopper, first, next) within the window, and both ways within a basket; a shopper's all in one portion."""
    owners, items, buyers = _baskets(log, n)
    order = np.lexsort((owners, buyers))
    owners, items, buyers = owners[order], items[order], buyers[order]
    for part in _chunks(log.shoppers):
        shoppers, rows, times = log.shoppers[part], log.rows[part], log.times[part]
        found = []
        for distance in range(1, WINDOW + 1):
            left, right = _apart(shoppers, distance)
            near = times[right] - times[left] <= LONGEST_GAP
            found.append((shoppers[left][near], rows[left][near], rows[right][near]))
        start, end = np.searchsorted(buyers, [shoppers[0], shoppers[-1] + 1])
        for distance in range(1, MOST_IN_BASKET):
            left, right = _apart(owners[start:end], distance)
            if not len(left):
                break
            who, a, b = buyers[start:end][left], items[start:end][left], items[start:end][right]
            found += [(who, a, b), (who, b, a)]
        who, a, b = (np.concatenate(column) for column in zip(*found, strict=True))
        yield who, a, b


def _apart(owners: Ints, distance: int) -> tuple[Ints, Ints]:
    """Positions of one owner that lie `distance` apart. `owners` is sorted in groups."""
    left = np.flatnonzero(owners[:-distance] == owners[distance:]) if distance < len(owners) else np.zeros(0, np.int64)
    return left, left + distance


def _chunks(owners: Ints) -> Iterator[slice]:
    """Slices of about CHUNK, none of which cuts an owner in two."""
    start = 0
    while start < len(owners):
        end = min(start + CHUNK, len(owners))
        while end < len(owners) and owners[end] == owners[end - 1]:
            end += 1
        yield slice(start, end)
        start = end


def _crosses(first: str, second: str) -> bool:
    return bool(first and second) and not first.startswith(second) and not second.startswith(first)


def _shoppers_of(shoppers: Ints, items: Ints, width: int) -> Ints:
    """(width,) how many different shoppers took each."""
    if not len(items):
        return np.zeros(width, np.int64)
    return np.bincount(np.unique(np.stack([shoppers, items]), axis=1)[1], minlength=width)


def _significant(
    keys: Ints, together: Ints, width: int, frequency: Ints, total: int, floor: float, *, both_ways: bool = False
) -> Pairs:
    first, second = keys // width, keys % width
    if both_ways:
        first, second = np.concatenate([first, second]), np.concatenate([second, first])
        together = np.concatenate([together, together])
    strength = g_squared(together, frequency[first], frequency[second], total)
    kept = np.flatnonzero(strength >= floor)
    kept = kept[np.lexsort((second[kept], -strength[kept], first[kept]))]
    first, second, together = first[kept], second[kept], together[kept]
    by_chance = lift(together, frequency[first], frequency[second], total)
    return Pairs(first, second, together, frequency[first], by_chance, strength[kept])
