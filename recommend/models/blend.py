"""The blend: a transformer, the neighbours that it would otherwise have to learn by heart, and likeness.

The transformer generalises, the neighbours remember: each finds what the other misses (Jannach and Ludewig, "When
recurrent neural networks meet the neighborhood", RecSys 2017).
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommend.models import storage
from recommend.models.base import Ids, Interactions, Progress, Scores, no_progress
from recommend.models.borrowing import borrowed
from recommend.models.checkpoint import Checkpoint
from recommend.models.content import Content
from recommend.models.neighbours import SeqKNN
from recommend.models.popularity import Popularity
from recommend.models.transformer import Transformer

SMALL = 1e-9


class Blend:
    """The parts' scores on common scales, added up; popularity decides where none of them knows anything.

    A transformer's score becomes how many standard deviations it lies above the mean over all items, a neighbours'
    score its share of the history's highest; likeness in attributes is from 0 to 1 as it is. None of it needs the
    transformer's scores of the other items: mean and deviation of all inner products follow from the item vectors'
    mean and covariance, so candidates get the same scores as everything.

    That the neighbours are silent on an item which hardly anybody has met yet is no sign against it. So one that was
    taken less than `few` times borrows from what they say of the `alike` items most like it (see `borrowing`).
    """

    name = "blend"

    def __init__(
        self,
        *,
        weight: float = 2.5,
        content_weight: float = 2.0,
        borrowed_weight: float = 1.5,  # of `weight`
        few: int = 5,
        alike: int = 5,
        transformer: dict[str, Any] | None = None,
        neighbours: dict[str, Any] | None = None,
    ) -> None:
        self.config: dict[str, Any] = {
            "weight": weight,
            "content_weight": content_weight,
            "borrowed_weight": borrowed_weight,
            "few": few,
            "alike": alike,
            "transformer": transformer or {},
            "neighbours": neighbours or {},
        }
        self.transformer = Transformer(**self.config["transformer"])
        self.neighbours = SeqKNN(**self.config["neighbours"])
        self.content = Content(vectors=False)  # the transformer has those
        self.popularity = Popularity()
        self.borrowed = sparse.csr_matrix((0, 0), dtype=np.float32)  # (items, items)
        self._spread: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def fit(
        self,
        data: Interactions,
        *,
        seed: int = 0,
        progress: Progress = no_progress,
        checkpoint: Checkpoint | None = None,
        held_out: Callable[[], float] | None = None,
        start: "Blend | None" = None,
        recent: Interactions | None = None,
        transformer: Transformer | None = None,
    ) -> None:
        """Learn from histories; see `recommend.models.checkpoint` for what the other arguments are.

        `transformer`: one that has been trained on the same data already.
        """
        self._spread = None
        self.popularity.fit(data)
        self.content.fit(data)
        self.neighbours.fit(data, progress=progress)
        self.borrowed = borrowed(data, few=self.config["few"], alike=self.config["alike"])
        if transformer is not None:
            self.transformer = transformer
            return
        self.transformer.fit(
            data,
            seed=seed,
            progress=progress,
            checkpoint=checkpoint,
            held_out=held_out and partial(self._asked, held_out),
            start=start.transformer if start is not None else None,
            recent=recent,
        )
        self._spread = None

    def _asked(self, held_out: Callable[[], float]) -> float:
        """Ask about the blend as it stands: the transformer is to be the best partner, not the best alone."""
        self._spread = None
        return held_out()

    def score(self, histories: Sequence[Ids]) -> Scores:
        users, items = self.transformer.user_vectors(histories), self.transformer.item_vectors()
        mean, deviation = self._scale(users)
        scores = (users @ items.T - mean) / deviation
        scores += self._spoken(self.neighbours.score(histories))
        scores += self.config["content_weight"] * self.content.score(histories)
        return scores + self._base()

    def score_candidates(self, history: Ids, candidates: Ids) -> Scores:
        user = self.transformer.user_vector(history)
        mean, deviation = self._scale(user[None])
        scores = (self.transformer.item_vectors()[candidates] @ user - mean[0]) / deviation[0]
        scores += self.spoken_of(history, candidates)
        scores += self.config["content_weight"] * self.content.score_candidates(history, candidates)
        return scores + self._base()[candidates]

    def _spoken(self, scores: Scores) -> Scores:
        """(histories, items) scores of the neighbours -> what they add."""
        highest = np.maximum(scores.max(axis=1, keepdims=True), SMALL)
        spoken: Scores = self.config["weight"] * scores / highest
        if self.borrowed.nnz:
            spoken += self.config["borrowed_weight"] * (self.borrowed @ spoken.T).T
        return spoken

    def spoken_of(self, history: Ids, candidates: Ids | None = None) -> Scores:
        """Return (candidates,) what the neighbours add, with what is borrowed; of all items without candidates."""
        scores = self.neighbours.scores_of(history)
        spoken: Scores = scores * (self.config["weight"] / max(float(scores.max(initial=0)), SMALL))
        chosen = slice(None) if candidates is None else candidates
        if not self.borrowed.nnz:
            return spoken[chosen]
        return spoken[chosen] + self.config["borrowed_weight"] * (self.borrowed[chosen] @ spoken)

    def _base(self) -> Scores:
        """(items,) far too small to overrule what is known of a shopper."""
        base: Scores = 1e-6 * self.popularity.weights / max(float(self.popularity.weights.max(initial=0)), SMALL)
        return base

    def _scale(self, users: Scores) -> tuple[Scores, Scores]:
        """(histories, 1) mean and deviation over all items of the inner products with each user."""
        spread = self._spread
        if spread is None:
            items = self.transformer.item_vectors().astype(np.float64)
            spread = self._spread = items.mean(0), np.cov(items, rowvar=False, bias=True)
        mean, covariance = spread
        variance = np.einsum("ud,de,ue->u", users, covariance, users)
        deviation = np.sqrt(np.maximum(variance, SMALL))
        return (users @ mean)[:, None].astype(np.float32), deviation[:, None].astype(np.float32)

    def save(self, folder: Path) -> None:
        storage.write(folder, self.name, self.config, storage.matrix_arrays("borrowed", self.borrowed))
        for part in (self.transformer, self.neighbours, self.content, self.popularity):
            part.save(folder / part.name)

    @classmethod
    def load(cls, folder: Path) -> "Blend":
        _, config, arrays = storage.read(folder)
        model = cls(**config)
        if arrays:  # a version from before anything was borrowed has none
            model.borrowed = storage.matrix_from("borrowed", arrays)
        model.transformer = Transformer.load(folder / Transformer.name)
        model.neighbours = SeqKNN.load(folder / SeqKNN.name)
        model.content = Content.load(folder / Content.name)
        model.popularity = Popularity.load(folder / Popularity.name)
        return model
