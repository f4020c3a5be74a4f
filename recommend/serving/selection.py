"""Which of the candidates are shown, in which order: relevant, unlike each other, and not all of one brand or store."""

from collections import Counter
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
    placed: int = 0,
) -> list[int]:
    """Return rows in the order they are shown, at most `count`, one of each family.

    The first `placed` rows are shown already, in this order, each of a family of its own. They are not returned, but
    families, caps, likeness and the room of each interest go on from them.

    Each place goes to the candidate with the best `relevance * score - (1 - relevance) * likeness`, where the score is
    stretched to 0..1 and likeness is the cosine to the most alike of those chosen before (maximal marginal relevance,
    Carbonell and Goldstein, SIGIR 1998). Candidates above a cap wait until no other is left. Where `room` has a share
    for each interest, places are dealt out among them by Webster's method (Sainte-Laguë), so each gets its share.
    """
    n = len(found.scores)
    worth = relevance * np.concatenate([np.zeros(placed), stretched(found.scores[placed:])])
    vectors = unit(found.vectors) if found.vectors is not None and relevance < 1 else None
    nearest = np.zeros(n)
    brands, stores = np.asarray(found.brands, np.int64), np.asarray(found.stores, np.int64)
    families = _members(found.families)
    interests = np.asarray(found.interests, np.int64) if found.interests is not None and len(room) else None
    left = np.bincount(interests, minlength=len(room)) if interests is not None else np.zeros(0, np.int64)
    share, given = np.asarray(room, np.float64), np.zeros(len(room))
    free = np.ones(n, bool)
    within = free.copy()  # free, and below the caps of this block
    in_block: Counter[tuple[str, int]] = Counter()
    order: list[int] = []
    while len(order) < min(placed + count, n) and free.any():
        if len(order) < placed:
            row = len(order)
        else:
            able = within if within.any() else free
            if interests is not None:
                waiting = left > 0 if able is free else np.bincount(interests[able], minlength=len(room)) > 0
                turn = np.where(waiting, share / (2 * given + 1), -1.0).argmax()
                able = able & (interests == turn)
            # The first of equals, so that the order is one.
            row = int(np.where(able, worth - (1 - relevance) * nearest, -np.inf).argmax())
        order.append(row)
        gone = families.get(found.families[row], [row])
        if interests is not None:
            left -= np.bincount(interests[[each for each in gone if free[each]]], minlength=len(room))
            given[interests[row]] += 1
        free[gone] = False
        within[gone] = False
        if len(order) % BLOCK == 0:
            in_block.clear()
            within = free.copy()
        else:
            for name, groups, cap in (("brand", brands, caps.brand), ("store", stores, caps.store)):
                in_block[name, int(groups[row])] += 1
                if groups[row] and in_block[name, int(groups[row])] >= cap:
                    within &= groups != groups[row]
        if vectors is not None:
            nearest = np.maximum(nearest, vectors @ vectors[row])
    return order[placed:]


def _members(families: Sequence[str]) -> dict[str, list[int]]:
    """Family -> its rows; those without a family are not in it."""
    members: dict[str, list[int]] = {}
    for row, family in enumerate(families):
        if family:
            members.setdefault(family, []).append(row)
    return members


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
