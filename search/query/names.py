"""Categories and brands by the beginnings of the words in their names, in every language that they have one in."""

import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db import DatabaseError

from catalog.models import Brand, Category
from catalog.per_shop import PerShop
from search.terms import fold

SECONDS = 30.0  # between two looks into the database
LAST = "\U0010ffff"


@dataclass(frozen=True)
class Names:
    """Every tail of a name that begins with one of its words, in alphabetical order: (tail, word's place, id)."""

    tails: list[tuple[str, int, int]]

    def beginning_with(self, typed: str, limit: int) -> list[int]:
        """Ids, those whose name begins as typed first, then the shorter names."""
        beginning = fold(typed)
        start = bisect_left(self.tails, (beginning,))
        found: dict[int, tuple[int, int, str]] = {}
        for tail, place, id in self.tails[start : start + 50 * limit]:
            if not tail.startswith(beginning):
                break
            rank = min(place, 1), len(tail), tail
            found[id] = min(found.get(id, rank), rank)
        return sorted(found, key=lambda id: (found[id], id))[:limit]


@dataclass
class _Held:
    categories: Names = field(default_factory=lambda: Names([]))
    brands: Names = field(default_factory=lambda: Names([]))
    loaded: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


_held: PerShop[_Held] = PerShop(_Held)


def categories_and_brands() -> tuple[Names, Names]:
    """Both, at most SECONDS behind the database. What has gone since then, the caller no longer finds there."""
    held = _held.here
    if time.monotonic() - held.loaded >= SECONDS and held.lock.acquire(blocking=held.loaded == float("-inf")):
        try:
            if time.monotonic() - held.loaded >= SECONDS:
                held.categories, held.brands = _names(_categories()), _names(Brand.objects.values_list("id", "name"))
        except DatabaseError:
            pass  # the names that are held will do
        finally:
            held.loaded = time.monotonic()
            held.lock.release()
    return held.categories, held.brands


def forget() -> None:
    """Look into the database at the next call."""
    _held.forget()


def _categories() -> Iterator[tuple[int, str]]:
    for id, name, translations in Category.objects.values_list("id", "name", "translations").iterator():
        yield id, name
        for texts in translations.values():
            if isinstance(texts, dict) and isinstance(other := texts.get("name"), str):
                yield id, other


def _names(rows: Iterable[tuple[int, str]]) -> Names:
    tails: set[tuple[str, int, int]] = set()
    for id, name in rows:
        parts = fold(name).replace("-", " ").split()
        tails.update((" ".join(parts[place:]), place, id) for place in range(len(parts)))
    return Names(sorted(tails))
