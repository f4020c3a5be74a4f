"""The seam of the recommendation models: what they learn from, and the one interface that each has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Scores = NDArray[np.float32]
# From a stage's name, the step reached and the number of steps to a call that may raise to stop.
Progress = Callable[[str, int, int, dict[str, Any]], None]


def no_progress(stage: str, step: int, steps: int, figures: dict[str, Any]) -> None:
    """For callers that do not look."""


@dataclass(frozen=True)
class Items:
    """What models know of the items beside who took them. Row i of everything is item i."""

    keys: NDArray[np.int64]  # (n,) the ids that the world knows them by, product ids in a shop
    content: Scores | None = None  # (n, dims) text and picture vectors side by side, each of length 1 or all zero
    # (n, most) attribute ids from 1 (brand, category, store, …), 0 as filling
    attributes: Ids | None = None
    categories: Ids | None = None  # (n,) one category id each, for what crosses categories; -1 if none

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class Interactions:
    """Histories in item rows, oldest event first, and the items they are made of."""

    items: Items
    histories: Sequence[Ids]
    times: Sequence[NDArray[np.float64]] | None = None  # seconds since the epoch, beside `histories`


class Recommender(Protocol):
    """A model that scores items for a history. Deterministic: one seed, one thread, one result."""

    name: str
    config: dict[str, Any]  # everything that `fit` needs to be repeated; kept in the checkpoint

    def fit(self, data: Interactions, *, seed: int = 0, progress: Progress = no_progress) -> None:
        """Learn from histories. Every event of them may be used: hold out before, not here."""

    def score(self, histories: Sequence[Ids]) -> Scores:
        """Return (histories, items) scores over all items; higher is better, and an empty history is allowed."""

    def score_candidates(self, history: Ids, candidates: Ids) -> Scores:
        """Return (candidates,) scores: the same as the columns of `score` for this history."""

    def save(self, folder: Path) -> None:
        """Write config and weights; no pickle, so that a checkpoint from elsewhere can do no harm."""

    @classmethod
    def load(cls, folder: Path) -> "Recommender": ...


class VectorModel(Recommender, Protocol):
    """A model whose score is an inner product, so that the nearest-neighbour index can find candidates."""

    dim: int

    def user_vector(self, history: Ids) -> Scores:
        """Return (dim,)."""

    def item_vectors(self) -> Scores:
        """Return (items, dim)."""

    def content_vectors(self, items: Items) -> Scores:
        """Return (items, dim) for items that were not there in training, from their content and attributes alone."""
