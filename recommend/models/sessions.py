"""Histories cut into sessions, and the crossings in them: the first items of categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from recommend.models.base import Ids, Interactions

GAP = 1800.0  # seconds without an event end a session, as web analytics has it
LENGTH = 10  # events of a session where no times are known


@dataclass(frozen=True)
class Crossings:
    """Example i: who had taken histories[i] took targets[i], the first of its category.

    A history ends with what else was taken in the same session, as far as it is of another category.
    """

    targets: Ids
    histories: Sequence[Ids]
    owners: Ids  # the row of the history in the data

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, which: Any) -> "Crossings":
        """Return those of a slice or of indexes."""
        places = np.arange(len(self))[which]
        return Crossings(self.targets[places], [self.histories[place] for place in places], self.owners[places])

    def sample(self, most: int, random: np.random.Generator) -> "Crossings":
        return self if len(self) <= most else self.take(np.sort(random.choice(len(self), most, replace=False)))


def sessions(data: Interactions) -> list[Ids]:
    """Return the events of each session of each history."""
    found: list[Ids] = []
    for owner, history in enumerate(data.histories):
        if len(history):
            found += np.split(history, borders(data, owner))
    return found


def borders(data: Interactions, owner: int) -> Ids:
    """Return the places in a history where a session begins, without the first."""
    if data.times is None:
        return np.arange(LENGTH, len(data.histories[owner]), LENGTH)
    return np.flatnonzero(np.diff(data.times[owner]) > GAP) + 1


def crossings(data: Interactions, since: Ids, random: np.random.Generator, *, beside: bool = True) -> Crossings:
    """Return the crossings in each history's sessions from the place `since[history]` on, but for its first session.

    Of several items of a new category in one session one is drawn: of a basket it is not known which was taken first.
    Without `beside` a history ends before the session.
    """
    categories = data.items.categories
    assert categories is not None  # noqa: S101 - who asks has looked
    targets: list[int] = []
    histories: list[Ids] = []
    owners: list[int] = []
    for owner, history in enumerate(data.histories):
        for start, end in pairwise([0, *borders(data, owner).tolist(), len(history)]):
            if start < max(int(since[owner]), 1):
                continue
            session = history[start:end]
            of_session = categories[session]
            for category in np.setdiff1d(of_session, categories[history[:start]]):
                within = of_session == category
                if category >= 0:
                    targets.append(int(random.choice(session[within])))
                    histories.append(np.concatenate([history[:start], session[~within]]) if beside else history[:start])
                    owners.append(owner)
    return Crossings(np.array(targets, np.int64), histories, np.array(owners, np.int64))
