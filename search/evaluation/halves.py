"""Two halves of every set of queries: one to tune on, one to report.

A query's half follows from its own text, so that it stays where it is when a set grows, on every machine.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Literal, TypeVar

Half = Literal["tune", "report"]
HALVES: tuple[Half, ...] = ("tune", "report")

Entry = TypeVar("Entry")


def half_of(text: str) -> Half:
    return HALVES[hashlib.sha256(text.casefold().encode()).digest()[0] % 2]


def take(entries: Iterable[Entry], half: Half | None, text: Callable[[Entry], str]) -> list[Entry]:
    """The entries of one half, or all of them for None; `text` is what decides an entry's half."""
    return [entry for entry in entries if half is None or half_of(text(entry)) == half]
