"""Popularity with decay: what many took lately."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recommend.models import storage
from recommend.models.base import Ids, Interactions, Progress, Scores, no_progress

DAY = 86_400.0


class Popularity:
    """An event counts 0.5 ** (age / half_life_days), its age taken from the newest one. Without times all count 1."""

    name = "popularity"

    def __init__(self, half_life_days: float = 30.0) -> None:
        self.config: dict[str, Any] = {"half_life_days": half_life_days}
        self.weights: Scores = np.zeros(0, np.float32)  # (items,)

    def fit(self, data: Interactions, *, seed: int = 0, progress: Progress = no_progress) -> None:
        rows = np.concatenate([*data.histories, np.zeros(0, np.int64)]).astype(np.int64)
        weights = np.ones(len(rows))
        if data.times is not None and len(rows):
            times = np.concatenate(list(data.times))
            weights = 0.5 ** ((times.max() - times) / (self.config["half_life_days"] * DAY))
        self.weights = np.bincount(rows, weights, minlength=len(data.items)).astype(np.float32)
        progress(self.name, 1, 1, {})

    def score(self, histories: Sequence[Ids]) -> Scores:
        return np.tile(self.weights, (len(histories), 1))

    def score_candidates(self, history: Ids, candidates: Ids) -> Scores:
        return self.weights[candidates]

    def save(self, folder: Path) -> None:
        storage.write(folder, self.name, self.config, {"weights": self.weights})

    @classmethod
    def load(cls, folder: Path) -> "Popularity":
        _, config, arrays = storage.read(folder)
        model = cls(**config)
        model.weights = arrays["weights"]
        return model
