"""Which of the candidates are shown, in which order: relevant, unlike each other, and not all of one brand or store."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommend.models.base import Scores

BLOCK = 12  # hits in a row over which caps hold; then they count anew, so that a page can scroll on


@dataclass(frozen=True)
class Caps:
    """At most so many of one brand and of one store in a block."""

    brand: int
    store: int


@dataclass(frozen=True)
class Candidates:
    """Row i of everything is candidate i. Brand, store and family 0 or "" are none, and never capped."""

    scores: NDArray[np.float64]
    brands: Sequence[int]
    stores: Sequence[int]
    families: Sequence[str]
    vectors: Scores | None = None  # (n, dims); a zero row is unlike everything
    interests: Sequence[int] | None = None  # which interest each belongs to


def choose(
    found: Candidates,
    count: int,
    *,
    relevance: float,
    caps: Caps,
    room: Sequence[float] = (),
) -> list[int]:
    """Return rows in the order they are shown, at most `count`, one of each family.

    Each place goes to the candidate with the best `relevance * score - (1 - relevance) * likeness`, where the score is
    stretched to 0..1 and likeness is the cosine to the most alike of those chosen before (maximal marginal relevance,
    Carbonell and Goldstein, SIGIR 1998). Candidates above a cap wait until no other is left. Where `room` has a share
    for each interest, places are dealt out among them by Webster's method (Sainte-Laguë), so each gets its share.
    """
    n = len(found.scores)
    scores = stretched(found.scores)
    vectors = unit(found.vectors) if found.vectors is not None else None
    nearest = np.full(n, 0.0)
    families = np.unique(np.array(list(found.families), dtype=object).astype(str), return_inverse=True)[1]
    no_family = np.array([not family for family in found.families], bool)
    brands, stores = np.asarray(found.brands, np.int64), np.asarray(found.stores, np.int64)
    interests = np.asarray(found.interests, np.int64) if found.interests is not None and len(room) else None
    free = np.ones(n, bool)
    given = np.zeros(max(len(room), 1))
    order: list[int] = []
    while len(order) < min(count, n) and free.any():
        block = np.array(order[len(order) // BLOCK * BLOCK :], np.int64)
        within = free & _below(brands, block, caps.brand) & _below(stores, block, caps.store)
        able = within if within.any() else free
        if interests is not None:
            able = able & (interests == _turn(interests[able], given, room))
        worth = np.where(able, relevance * scores - (1 - relevance) * nearest, -np.inf)
        row = int(worth.argmax())  # the first of equals, so that the order is one
        order.append(row)
        free[row] = False
        if not no_family[row]:
            free &= families != families[row]
        if interests is not None:
            given[interests[row]] += 1
        if vectors is not None:
            nearest = np.maximum(nearest, vectors @ vectors[row])
    return order


def stretched(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """To 0..1; all alike become 1."""
    if not len(scores):
        return scores
    low, high = float(scores.min()), float(scores.max())
    return (scores - low) / (high - low) if high > low else np.ones(len(scores))


def unit(vectors: Scores) -> Scores:
    """Each row at length 1; a zero row stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


def _below(groups: NDArray[np.int64], block: NDArray[np.int64], cap: int) -> NDArray[np.bool_]:
    """Which candidates' group has fewer than `cap` among those of the block."""
    if not len(block):
        return np.ones(len(groups), bool)
    names, counts = np.unique(groups[block], return_counts=True)
    full = names[(counts >= cap) & (names != 0)]
    return ~np.isin(groups, full)


def _turn(able: NDArray[np.int64], given: NDArray[np.float64], room: Sequence[float]) -> int:
    """The interest, among those that have a candidate, which is due the next place."""
    waiting = np.unique(able)
    return int(waiting[np.argmax(np.asarray(room)[waiting] / (2 * given[waiting] + 1))])
