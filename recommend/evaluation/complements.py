"""The rule of the surface `complements` as a model that can be measured, with what it was before and what it is.

Both start from the last ANCHORS items of a history, as the surface does from what is looked at or in the cart.
`Counted` shows the pairs that meet more often than by chance, then the neighbours of the sequence model, then what is
popular. `Served` lets `Crossing` decide on the order of the neighbours.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from recommend.models import counting
from recommend.models.base import Ids, Interactions, Progress, Scores, no_progress
from recommend.models.crossing import Crossing
from recommend.models.neighbours import SeqKNN
from recommend.models.popularity import Popularity
from recommend.models.sessions import borders
from recommend.serving.log import Log, Shelf
from recommend.serving.pairs import across_categories
from recommend.serving.tables import MOST
from recommend.surfaces.complements import MODEL

ANCHORS = 10


class Counted:
    """See the module. `neighbours` are the settings of the sequence model."""

    name = "pairs"

    def __init__(self, **neighbours: Any) -> None:
        self.neighbours = SeqKNN(**neighbours)
        self.popularity = Popularity(half_life_days=1e6)

    def fit(self, data: Interactions, *, seed: int = 0, progress: Progress = no_progress) -> None:
        shelf, log = _as_in_a_shop(data)
        pairs, _ = across_categories(log, shelf)
        n = len(data.items)
        found = [(first, int(row[0]), row[4]) for first, rows in pairs.by_first(MOST).items() for row in rows]
        first, second, strength = zip(*found, strict=True) if found else ((), (), ())
        self.pairs = sparse.csr_matrix((np.array(strength), (first, second)), shape=(n, n), dtype=np.float32)
        self.neighbours.fit(data)
        once = [np.unique(history) for history in data.histories]  # a household counts once
        self.popularity.fit(replace(data, histories=once, times=None))

    def score(self, histories: Sequence[Ids]) -> Scores:
        anchors = [history[-ANCHORS:] for history in histories]
        pairs, near, base = self._found(anchors), self.neighbours.score(anchors), self.popularity.score(histories)
        near, base = (each / np.maximum(each.max(axis=1, keepdims=True), 1e-9) for each in (near, base))
        # Each step lies below the one before.
        return np.where(pairs > 0, 100 + pairs, np.where(near > 0, 10 + near, base)).astype(np.float32)

    def _found(self, anchors: Sequence[Ids]) -> Scores:
        """(histories, items) the strength of each item's pairs with the anchors."""
        found: Scores = (counting.rows(anchors, self.pairs.shape[0]) @ self.pairs).toarray()
        return found


class Served(Counted):
    name = "complements"

    def fit(self, data: Interactions, *, seed: int = 0, progress: Progress = no_progress) -> None:
        super().fit(data, seed=seed)
        self.crossing = Crossing()
        self.crossing.fit(data, seed=seed, progress=progress)
        rows, columns = [], []
        for item in range(len(data.items)):
            near = self.neighbours.scores_of(np.array([item]))
            best = np.argsort(-near, kind="stable")[:MODEL]
            best = best[near[best] > 0]
            rows.append(np.full(len(best), item))
            columns.append(best)
        places = (np.concatenate(rows), np.concatenate(columns))
        self.near = sparse.csr_matrix((np.ones(len(places[0]), np.float32), places), shape=self.pairs.shape)

    def score(self, histories: Sequence[Ids]) -> Scores:
        anchors = [history[-ANCHORS:] for history in histories]
        near = (counting.rows(anchors, self.near.shape[0]) @ self.near).toarray()
        pairs, learned, base = self._found(anchors), self.crossing.score(histories), self.popularity.score(histories)
        base /= np.maximum(base.max(axis=1, keepdims=True), 1e-9)
        return np.where(pairs > 0, 10_000 + pairs, np.where(near > 0, 1000 + learned, base)).astype(np.float32)


def _as_in_a_shop(data: Interactions) -> tuple[Shelf, Log]:
    """The histories as the event log of a shop whose categories have none above them; what meets is a basket."""
    assert data.items.categories is not None and data.times is not None  # noqa: S101, PT018 - who asks has looked
    n = len(data.items)
    none = np.zeros(n, np.int64)
    paths = [f"{category:06d}/" for category in data.items.categories.tolist()]
    shelf = Shelf(np.arange(n), data.items.categories + 1, paths, none, none.astype(np.float64))
    lengths = [len(history) for history in data.histories]
    begins = [np.isin(np.arange(length), [0, *borders(data, owner)]) for owner, length in enumerate(lengths)]
    return shelf, Log(
        np.repeat(np.arange(len(lengths)), lengths),
        np.concatenate(list(data.histories)).astype(np.int64),
        np.zeros(sum(lengths), np.int64),
        np.concatenate(list(data.times)),
        np.cumsum(np.concatenate(begins)),
    )
