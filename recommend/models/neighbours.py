"""Neighbourhood models: what was taken near what, in any order (item-kNN) or in sequence (seq-kNN).

Item-kNN is Sarwar et al., "Item-based collaborative filtering recommendation algorithms" (WWW 2001), with cosine
similarity. Seq-kNN adds order and distance, in the manner of the sequential rules of Ludewig and Jannach, "Evaluation
of session-based recommendation algorithms" (UMUAI 2018). Neither is trained for longer than a second or two, and both
answer with new events at once: an event only has to be in the history that is given.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from scipy import sparse

from recommend.models import storage
from recommend.models.base import Ids, Interactions, Progress, Scores, no_progress

CHUNK = 100_000  # histories that are counted at once


class Neighbours(ABC):
    """Scores are sums over the history: each event speaks for its neighbours, and it can be told which spoke."""

    name: str

    def __init__(self, **config: Any) -> None:
        self.config = config
        self.similarity: sparse.csr_matrix = sparse.csr_matrix((0, 0), dtype=np.float32)  # row: event; column: item

    def fit(self, data: Interactions, *, seed: int = 0, progress: Progress = no_progress) -> None:
        n = len(data.items)
        counts = sparse.csr_matrix((n, n), dtype=np.float32)
        frequency = np.zeros(n)
        steps = range(0, len(data.histories), CHUNK)
        for step, start in enumerate(steps, start=1):
            part = data.histories[start : start + CHUNK]
            counts = counts + self._count(part, n)
            frequency += np.bincount(np.concatenate([*part, np.zeros(0, np.int64)]).astype(np.int64), minlength=n)
            progress(self.name, step, len(steps), {})
        counts.setdiag(0)
        counts.eliminate_zeros()
        size = np.maximum(frequency, 1)
        events, items = (sparse.diags(size ** -self.config[power]) for power in ("event_power", "item_power"))
        self.similarity = _strongest((events @ counts @ items).tocsr().astype(np.float32), self.config["neighbours"])

    @abstractmethod
    def _count(self, histories: Sequence[Ids], n: int) -> sparse.csr_matrix:
        """Return (n, n): how much an event of the row speaks for the item of the column, not yet normalised."""

    @abstractmethod
    def weights(self, length: int) -> Scores:
        """Return (length,) weights of a history's events, oldest first."""

    def score(self, histories: Sequence[Ids]) -> Scores:
        lengths = [len(history) for history in histories]
        rows = np.repeat(np.arange(len(histories)), lengths)
        columns = np.concatenate([*histories, np.zeros(0, np.int64)]).astype(np.int64)
        weights = np.concatenate([*map(self.weights, lengths), np.zeros(0, np.float32)])
        shape = (len(histories), self.similarity.shape[0])
        return (sparse.csr_matrix((weights, (rows, columns)), shape=shape) @ self.similarity).toarray()

    def score_candidates(self, history: Ids, candidates: Ids) -> Scores:
        return self.scores_of(history)[candidates]

    def scores_of(self, history: Ids) -> Scores:
        """Return (items,) scores of one history: the sum of a few sparse rows."""
        scores = np.zeros(self.similarity.shape[1], np.float32)
        for item, weight in zip(history, self.weights(len(history)), strict=True):
            start, end = self.similarity.indptr[item : item + 2]
            scores[self.similarity.indices[start:end]] += weight * self.similarity.data[start:end]
        return scores

    def contributions(self, history: Ids, items: Ids) -> Scores:
        """Return (items, events) what each event adds to each item's score; a row sums to it."""
        adds: Scores = self.similarity[history][:, items].toarray().T * self.weights(len(history))
        return adds

    def save(self, folder: Path) -> None:
        storage.write(folder, self.name, self.config, storage.matrix_arrays("similarity", self.similarity))

    @classmethod
    def load(cls, folder: Path) -> Self:
        _, config, arrays = storage.read(folder)
        model = cls(**config)
        model.similarity = storage.matrix_from("similarity", arrays)
        return model


class ItemKNN(Neighbours):
    """Cosine of the sets of shoppers who took two items; all events of a history speak alike."""

    name = "item-knn"

    def __init__(self, event_power: float = 0.5, item_power: float = 0.5, neighbours: int = 500) -> None:
        super().__init__(event_power=event_power, item_power=item_power, neighbours=neighbours)

    def _count(self, histories: Sequence[Ids], n: int) -> sparse.csr_matrix:
        rows = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
        columns = np.concatenate([*histories, np.zeros(0, np.int64)]).astype(np.int64)
        taken = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(histories), n))
        taken.data[:] = 1  # one shopper counts once, however often the item was taken
        return (taken.T @ taken).tocsr()

    def weights(self, length: int) -> Scores:
        return np.ones(length, np.float32)


class SeqKNN(Neighbours):
    """What followed within `window` events, with weight distance ** -decay; what came before counts `backward` of that.

    An event `k` steps back in the history speaks with weight recency ** k. Counts are divided by how often the event's
    item and the candidate were taken, each to a power: the cosine's 0.5 for both buries what many take.
    """

    name = "seq-knn"

    def __init__(
        self,
        window: int = 10,
        decay: float = 0.5,
        backward: float = 0.3,
        recency: float = 0.6,
        event_power: float = 0.3,
        item_power: float = 0.2,
        neighbours: int = 500,
    ) -> None:
        super().__init__(
            window=window,
            decay=decay,
            backward=backward,
            recency=recency,
            event_power=event_power,
            item_power=item_power,
            neighbours=neighbours,
        )

    def _count(self, histories: Sequence[Ids], n: int) -> sparse.csr_matrix:
        columns = np.concatenate([*histories, np.zeros(0, np.int64)]).astype(np.int64)
        owner = np.repeat(np.arange(len(histories)), [len(history) for history in histories])
        forward = sparse.csr_matrix((n, n), dtype=np.float32)
        for distance in range(1, min(self.config["window"] + 1, len(columns))):
            same = owner[:-distance] == owner[distance:]
            earlier, later = columns[:-distance][same], columns[distance:][same]
            weight = np.full(len(earlier), distance ** -self.config["decay"], np.float32)
            forward = forward + sparse.csr_matrix((weight, (earlier, later)), shape=(n, n))
        return (forward + self.config["backward"] * forward.T).tocsr()

    def weights(self, length: int) -> Scores:
        return (self.config["recency"] ** np.arange(length - 1, -1, -1)).astype(np.float32)


def _strongest(matrix: sparse.csr_matrix, most: int) -> sparse.csr_matrix:
    """Keep the `most` largest entries of each row."""
    kept = []
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        if end - start > most:
            kept.append(start + np.sort(np.argpartition(matrix.data[start:end], -most)[-most:]))
        else:
            kept.append(np.arange(start, end))
    lengths = [len(each) for each in kept]
    chosen = np.concatenate([*kept, np.zeros(0, np.int64)]).astype(np.int64)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return sparse.csr_matrix((matrix.data[chosen], matrix.indices[chosen], indptr), shape=matrix.shape)
