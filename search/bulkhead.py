"""Bounded work at once (a bulkhead; Nygard, "Release It!", 2007): who comes beyond it hears so quickly.

A process that takes everything in serves nobody in time: each search waits behind those whose askers have long gone.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from search.query.errors import SearchUnavailable

RETRY_SECONDS = 2  # told to who was turned away


class Overloaded(SearchUnavailable):
    """More is asked at the moment than this process works on. Trying again in a few seconds helps."""


class Bulkhead:
    """At most `size` at once; one more waits `patience` seconds for its turn, and then Overloaded is raised."""

    def __init__(self, size: int, patience: float) -> None:
        self._turns = threading.BoundedSemaphore(size)
        self._patience = patience

    @contextmanager
    def turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._patience):
            raise Overloaded("There are too many searches at the moment. Please try again in a few seconds.")
        try:
            yield
        finally:
            self._turns.release()


_lock = threading.Lock()
_searches: tuple[tuple[int, float], Bulkhead] | None = None


@contextmanager
def search_turn() -> Iterator[None]:
    """One of SEARCH_CONCURRENCY searches of this process. Raises Overloaded."""
    global _searches
    key = settings.SEARCH_CONCURRENCY, settings.SEARCH_WAIT_SECONDS
    if not key[0]:
        yield
        return
    with _lock:
        if _searches is None or _searches[0] != key:
            _searches = key, Bulkhead(*key)
        bulkhead = _searches[1]
    with bulkhead.turn():
        yield
