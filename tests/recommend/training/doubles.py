"""A small model with item vectors, whose training takes epochs, stops early, and goes on after a kill."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recommend.models import storage
from recommend.models.base import Ids, Interactions, Items, Progress, Scores, no_progress
from recommend.models.checkpoint import Checkpoint

LAST = 5


class Factors:
    """Items that follow each other are drawn together, an epoch at a time. New items are placed by their content."""

    name = "factors"

    def __init__(self, dim: int = 16, epochs: int = 6, patience: int = 2, seconds: float = 0.0) -> None:
        self.config: dict[str, Any] = {"dim": dim, "epochs": epochs, "patience": patience, "seconds": seconds}
        self.dim = dim
        self.vectors: Scores = np.zeros((0, dim), np.float32)
        self.trained_epochs: list[int] = []  # of this process

    def fit(
        self,
        data: Interactions,
        *,
        seed: int = 0,
        progress: Progress = no_progress,
        checkpoint: Checkpoint | None = None,
        held_out: Callable[[], float] | None = None,
        start: "Factors | None" = None,
        recent: Interactions | None = None,
    ) -> None:
        random = np.random.default_rng(seed)
        self.vectors = _normalised(random.standard_normal((len(data.items), self.dim)).astype(np.float32))
        if start is not None:
            self.vectors[: len(start.vectors)] = start.vectors
        best, best_vectors, first, since = -1.0, self.vectors, 0, 0
        if checkpoint is not None and (saved := checkpoint.load()) is not None:
            state, meta = saved
            self.vectors, best_vectors = state["vectors"], state["best"]
            first, best, since = meta["epoch"], meta["figure"], meta["since"]
            random.bit_generator.state = meta["random"]
        histories = (recent or data).histories
        for epoch in range(first, self.config["epochs"]):
            time.sleep(self.config["seconds"])
            moved = self.vectors + 0.01 * random.standard_normal(self.vectors.shape).astype(np.float32)
            for history in histories:
                np.add.at(moved, history[1:], self.vectors[history[:-1]] * 0.2)
                np.add.at(moved, history[:-1], self.vectors[history[1:]] * 0.2)
            self.vectors = _normalised(moved)
            self.trained_epochs.append(epoch)
            figures = {"loss": 1 / (epoch + 1)}
            if held_out is not None:
                figures["held out"] = held_out()
                since = 0 if figures["held out"] > best else since + 1
                if since == 0:
                    best, best_vectors = figures["held out"], self.vectors
            progress(self.name, epoch + 1, self.config["epochs"], figures)
            if checkpoint is not None:
                meta = {"epoch": epoch + 1, "figure": best, "since": since, "random": random.bit_generator.state}
                checkpoint.save({"vectors": self.vectors, "best": best_vectors}, meta)
            if held_out is not None and since > self.config["patience"]:
                break
        if held_out is not None:
            self.vectors = best_vectors

    def user_vector(self, history: Ids) -> Scores:
        last = history[-LAST:]
        return self.vectors[last].mean(axis=0) if len(last) else np.zeros(self.dim, np.float32)

    def item_vectors(self) -> Scores:
        return self.vectors

    def content_vectors(self, items: Items) -> Scores:
        assert items.content is not None
        thrown = np.random.default_rng(7).standard_normal((items.content.shape[1], self.dim)).astype(np.float32)
        return (items.content @ thrown).astype(np.float32)

    def score(self, histories: Sequence[Ids]) -> Scores:
        return np.stack([self.vectors @ self.user_vector(history) for history in histories])

    def score_candidates(self, history: Ids, candidates: Ids) -> Scores:
        return self.vectors[candidates] @ self.user_vector(history)

    def save(self, folder: Path) -> None:
        storage.write(folder, self.name, self.config, {"vectors": self.vectors})

    @classmethod
    def load(cls, folder: Path) -> "Factors":
        _, config, arrays = storage.read(folder)
        model = cls(**config)
        model.vectors = arrays["vectors"]
        return model


def _normalised(vectors: Scores) -> Scores:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-9)).astype(np.float32)
