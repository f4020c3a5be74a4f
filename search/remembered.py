"""What a process keeps in memory of tables that steer the search, a few seconds behind them at most."""

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from catalog.per_shop import PerShop
from search.models import Revision

SECONDS = 3.0  # between two looks at the revision

Kept = TypeVar("Kept")


class Remembered(Generic[Kept]):
    """The result of `load()`, loaded anew once the revision `name` has changed. One query every SECONDS, if asked.

    Each shop has its own. Two threads may load at once; both get the same.
    """

    def __init__(self, name: str, load: Callable[[], Kept]) -> None:
        self._name = name
        self._load = load
        self._states: PerShop[tuple[float, str, Kept] | None] = PerShop(lambda: None)
        _all.append(self)

    def get(self) -> Kept:
        now, state = time.monotonic(), self._states.here
        if state is not None and now - state[0] < SECONDS:
            return state[2]
        # Before the rows: what is written in between is then loaded once more, and never missed.
        token = Revision.objects.filter(name=self._name).values_list("token", flat=True).first() or ""
        kept = self._load() if state is None or state[1] != token else state[2]
        self._states.here = now, token, kept
        return kept

    def look_again(self) -> None:
        """Compare at the next call, for who has just written and wants to see it."""
        if (state := self._states.here) is not None:
            self._states.here = 0.0, *state[1:]

    def forget(self) -> None:
        self._states.forget()


_all: list[Remembered[Any]] = []


def look_again() -> None:
    for each in _all:
        each.look_again()


def forget() -> None:
    for each in _all:
        each.forget()
