"""Training batches of histories of like length: no time goes into padding."""

from collections.abc import Iterator, Sequence

import numpy as np

from recommend.models.base import Ids

PADDING = -1


def batches(histories: Sequence[Ids], *, longest: int, size: int, random: np.random.Generator) -> Iterator[Ids]:
    """Yield each history once, in batches of (at most `size`, longest among them), padded at the end with -1.

    Of a history longer than `longest` the newest events are taken. Histories of one event teach nothing.
    """
    usable = _usable(histories)
    # Shuffled first, so that which histories of one length meet differs from epoch to epoch.
    order = random.permutation(usable)
    lengths = np.array([min(len(histories[row]), longest) for row in order])
    order = order[np.argsort(lengths, kind="stable")]
    groups = [order[start : start + size] for start in range(0, len(order), size)]
    for group in random.permutation(len(groups)):
        yield padded([histories[row][-longest:] for row in groups[group]])


def count_batches(histories: Sequence[Ids], *, size: int) -> int:
    """Return how many batches `batches` yields."""
    return -(-len(_usable(histories)) // size)


def _usable(histories: Sequence[Ids]) -> Ids:
    return np.array([row for row, history in enumerate(histories) if len(history) > 1], np.int64)


def padded(histories: Sequence[Ids]) -> Ids:
    """Return (histories, longest of them), with -1 behind each."""
    rows = np.full((len(histories), max(map(len, histories))), PADDING, np.int64)
    for row, history in zip(rows, histories, strict=True):
        row[: len(history)] = history
    return rows
