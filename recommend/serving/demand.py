"""How much each product is wanted, and whether that is more than usual for it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommend.serving.log import DAY, WEIGHTS, Log, Shelf
from recommend.serving.significance import poisson_rise

HALF_LIFE = 14.0  # days after which an event counts half for popularity
RECENT = 3.0  # days that are compared
BASELINE = 28.0  # days before them
# The category's rate counts as much as these many days of the product's own past: a product with little past is
# measured by its kind.
PRIOR_DAYS = 7.0
FLOOR = 0.05  # of what is expected, so that one view of what nobody ever looked at is no wonder


@dataclass(frozen=True)
class Wanted:
    """(products,) each; rows as in the Shelf."""

    popularity: NDArray[np.float64]
    recent: NDArray[np.int64]
    expected: NDArray[np.float64]
    rise: NDArray[np.float64]


def demand(log: Log, shelf: Shelf, now: float) -> Wanted:
    """Count each shopper once a product and day, at the strongest thing done that day: refreshing is no demand.

    `expected` is a Gamma-Poisson mean: the product's own rate before, smoothed towards its category's, and multiplied
    by how much busier the whole shop is now. So neither a busy week nor a new product makes a trend.
    """
    n = len(shelf.ids)
    weight = WEIGHTS[log.kinds]
    day = np.floor((now - log.times) / DAY).astype(np.int64)
    order = np.lexsort((-weight, day, log.rows, log.shoppers))
    keys = np.stack([log.shoppers, log.rows, day])[:, order]
    first = np.ones(len(order), bool)
    first[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    rows, age, weight = keys[1][first], (now - log.times)[order][first] / DAY, weight[order][first]

    popularity = np.bincount(rows, weight * 0.5 ** (age / HALF_LIFE), minlength=n).astype(np.float64)
    recent = np.bincount(rows[age < RECENT], minlength=n)
    before = np.bincount(rows[(age >= RECENT) & (age < RECENT + BASELINE)], minlength=n)
    lived = np.where(shelf.published > 0, (now - shelf.published) / DAY - RECENT, BASELINE)
    # What was seen before it was published, by a log from elsewhere, was there all the same.
    lived = np.where(before > 0, np.maximum(lived, 1.0), lived).clip(0.0, BASELINE)
    prior = _rate_of_category(before, lived, shelf)
    rate = (before + PRIOR_DAYS * prior) / (lived + PRIOR_DAYS)
    busier = recent.sum() / max((rate * RECENT).sum(), 1e-9)
    expected = np.maximum(rate * RECENT * (busier or 1.0), FLOOR)
    return Wanted(popularity, recent, expected, poisson_rise(recent, expected))


def _rate_of_category(before: NDArray[np.int64], lived: NDArray[np.float64], shelf: Shelf) -> NDArray[np.float64]:
    """(products,) events a day and product in the product's category."""
    _, category = np.unique(shelf.categories, return_inverse=True)
    days = np.bincount(category, lived)
    return (np.bincount(category, before) / np.maximum(days, 1.0))[category] if len(category) else np.zeros(0)
