"""What changes for a shopper when one list of hits takes the place of another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

K = 10
Kind = Literal["same", "up", "down", "new", "gone"]


@dataclass(frozen=True)
class Move:
    """Where a product of one list stands in the other."""

    sku: str
    place: int  # from 1, in its own list
    kind: Kind
    by: int = 0  # places


def moves(before: Sequence[str], after: Sequence[str], k: int = K) -> tuple[list[Move], list[Move]]:
    """The first k of both lists: the old one with what goes, the new one with what comes and what moves how far.

    Both lists may be longer than k: a product from place 12 is new among ten, and yet moved up by some places.
    """
    old = {sku: place for place, sku in enumerate(before, start=1)}
    new = {sku: place for place, sku in enumerate(after, start=1)}
    return (
        [_move(sku, place, new.get(sku), new_list=False) for sku, place in old.items() if place <= k],
        [_move(sku, place, old.get(sku), new_list=True) for sku, place in new.items() if place <= k],
    )


def _move(sku: str, place: int, other: int | None, *, new_list: bool) -> Move:
    if other is None:
        return Move(sku, place, "new" if new_list else "gone")
    climbed = other - place if new_list else place - other
    kind: Kind = "same" if climbed == 0 else "up" if climbed > 0 else "down"
    return Move(sku, place, kind, abs(climbed))


def changed(before: Sequence[str], after: Sequence[str], k: int = K) -> float:
    """The share of the first k places that shows another product than before, by membership: order does not count."""
    old, new = set(before[:k]), set(after[:k])
    most = max(len(old), len(new))
    return 1 - len(old & new) / most if most else 0.0


def reordered(before: Sequence[str], after: Sequence[str], k: int = K) -> float:
    """The share of the first k places that do not hold the very product that they held before."""
    most = max(len(before[:k]), len(after[:k]))
    same = sum(a == b for a, b in zip(before[:k], after[:k], strict=False))
    return 1 - same / most if most else 0.0
