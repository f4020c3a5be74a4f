"""Bounded work at once (a bulkhead; Nygard, "Release It!", 2007): who comes beyond it hears so quickly.

A process that takes everything in serves nobody in time: each search waits behind those whose askers have long gone.
Searches and recommendations have places of their own, so that neither takes all the threads, and some are left for
everything else.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from search.query.errors import SearchUnavailable

RETRY_SECONDS = 2  # told to who was turned away
# One that waits holds a thread and does nothing. A few make up for unevenness; where more come, they keep coming.
WAITING_SHARE = 0.25
# A page asks for its rows of recommendations together: one visitor alone is no overload.
WAITING_ROWS = 3


class Overloaded(SearchUnavailable):
    """More is asked at the moment than this process works on. Trying again in a few seconds helps."""


class Bulkhead:
    """At most `size` at once. `waiting` more may wait `patience` seconds for their turn; else Overloaded is raised.

    `what` stands in the sentence that is told.
    """

    def __init__(self, what: str, size: int, waiting: int, patience: float) -> None:
        self._sentence = f"There are too many {what} at the moment. Please try again in a few seconds."
        self._turns = threading.BoundedSemaphore(size)
        self._waiting = threading.BoundedSemaphore(waiting)
        self._patience = patience

    @contextmanager
    def turn(self) -> Iterator[None]:
        if not self._turns.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self._turns.release()

    def _wait(self) -> None:
        if not self._waiting.acquire(blocking=False):
            raise Overloaded(self._sentence)
        try:
            if not self._turns.acquire(timeout=self._patience):
                raise Overloaded(self._sentence)
        finally:
            self._waiting.release()


_lock = threading.Lock()
_bulkheads: dict[tuple[str, int, int, float], Bulkhead] = {}


@contextmanager
def _turn(what: str, size: int, least_waiting: int) -> Iterator[None]:
    if not size:
        yield
        return
    key = what, size, max(least_waiting, int(size * WAITING_SHARE)), settings.SEARCH_WAIT_SECONDS
    with _lock:
        bulkhead = _bulkheads.get(key) or _bulkheads.setdefault(key, Bulkhead(*key))
    with bulkhead.turn():
        yield


@contextmanager
def search_turn() -> Iterator[None]:
    """One of SEARCH_CONCURRENCY searches, lists and suggestions of this process. Raises Overloaded."""
    with _turn("searches", settings.SEARCH_CONCURRENCY, 1):
        yield


@contextmanager
def recommendation_turn() -> Iterator[None]:
    """One of RECOMMEND_CONCURRENCY answers with recommendations of this process. Raises Overloaded."""
    with _turn("recommendations", settings.RECOMMEND_CONCURRENCY, WAITING_ROWS):
        yield
