"""What is like the shopper's history in text, pictures and attributes. It knows nothing of who took what."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from recommend.models import storage
from recommend.models.base import Ids, Interactions, Items, Progress, Scores, no_progress


class Content:
    """The mean cosine to the history's events, with weight recency ** steps back.

    An item is its content vector and its attributes side by side, each half of length 1; an attribute weighs the log
    of how rare it is, as words do in TF-IDF (Spärck Jones, 1972). With `vectors` off, only the attributes count.
    """

    name = "content"

    def __init__(self, recency: float = 0.6, vectors: bool = True) -> None:
        self.config: dict[str, Any] = {"recency": recency, "vectors": vectors}
        self.vectors: sparse.csr_matrix = sparse.csr_matrix((0, 0), dtype=np.float32)  # (items, dims)

    def fit(self, data: Interactions, *, seed: int = 0, progress: Progress = no_progress) -> None:
        items = data.items if self.config["vectors"] else replace(data.items, content=None)
        self.vectors = described(items)
        progress(self.name, 1, 1, {})

    def score(self, histories: Sequence[Ids]) -> Scores:
        return np.stack([self._wanted(history) for history in histories]) @ self.vectors.T

    def score_candidates(self, history: Ids, candidates: Ids) -> Scores:
        return self.vectors[candidates] @ self._wanted(history)

    def _wanted(self, history: Ids) -> Scores:
        weights = self.config["recency"] ** np.arange(len(history) - 1, -1, -1)
        wanted: Scores = np.asarray(self.vectors[history].T @ weights, np.float32).ravel()
        return wanted / max(float(weights.sum()), 1e-9)

    def save(self, folder: Path) -> None:
        storage.write(folder, self.name, self.config, storage.matrix_arrays("vectors", self.vectors))

    @classmethod
    def load(cls, folder: Path) -> "Content":
        _, config, arrays = storage.read(folder)
        model = cls(**config)
        model.vectors = storage.matrix_from("vectors", arrays)
        return model


def described(items: Items) -> sparse.csr_matrix:
    """(items, dims): rows of content and weighted attributes."""
    parts = []
    if items.content is not None:
        parts.append(sparse.csr_matrix(_of_length_one(items.content)))
    if items.attributes is not None:
        rows, columns = np.nonzero(items.attributes)
        ids = items.attributes[rows, columns]
        shape = (len(items), int(ids.max(initial=0)) + 1)
        bags = sparse.csr_matrix((np.ones(len(ids), np.float32), (rows, ids)), shape=shape, dtype=np.float32)
        rarity = np.log(len(items) / np.maximum(np.bincount(ids, minlength=bags.shape[1]), 1))
        bags = bags @ sparse.diags(rarity.astype(np.float32))
        length = np.sqrt(bags.multiply(bags).sum(1).A1)
        parts.append(sparse.diags(1 / np.maximum(length, 1e-9).astype(np.float32)) @ bags)
    if not parts:
        return sparse.csr_matrix((len(items), 1), dtype=np.float32)
    return sparse.hstack(parts, format="csr", dtype=np.float32)


def _of_length_one(vectors: Scores) -> Scores:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
