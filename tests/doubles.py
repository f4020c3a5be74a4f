"""Encoders that need no weights: quick, deterministic, and near enough to real ones that likeness means something."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from search.encoders.base import EncoderError, Vectors

DIM = 32
# For settings.ENCODERS.
ENCODERS = {
    "text": {"BACKEND": "tests.doubles.HashedWords", "OPTIONS": {}},
    "image": {"BACKEND": "tests.doubles.HashedWordsAndColours", "OPTIONS": {}},
}
CRASH = "crash-the-encoder"  # a text with this word is refused for good
OUTAGE = "encoder-outage"  # and with this one, for now


class HashedWords:
    """Each word is a fixed random direction; a text is the sum of its words. `seed` stands for another model."""

    def __init__(self, *, seed: int = 0, **_options: Any) -> None:
        self.model_id = f"hashed-words-{seed}"
        self.dim = DIM
        self._seed = seed
        self.texts_seen: list[str] = []

    def encode_text(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        if any(CRASH in text for text in texts):
            raise EncoderError("This text cannot be encoded.", permanent=True)
        if any(OUTAGE in text for text in texts):
            raise EncoderError("The device is busy.", permanent=False)
        self.texts_seen += texts
        return _normalised(np.stack([sum(map(self._direction, text.lower().split() or [""])) for text in texts]))

    def _direction(self, word: str) -> Vectors:
        digest = hashlib.sha256(f"{self._seed} {word}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "big")).standard_normal(self.dim).astype(np.float32)


class HashedWordsAndColours(HashedWords):
    """A picture is the layout of its colours on a 4 x 4 grid, thrown into the space of the words."""

    def __init__(self, *, seed: int = 0, **options: Any) -> None:
        super().__init__(seed=seed, **options)
        self.model_id = f"hashed-colours-{seed}"
        self.pictures_seen = 0

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        self.pictures_seen += len(images)
        pixels = np.stack(
            [np.asarray(image.convert("RGB").resize((4, 4)), dtype=np.float32).ravel() for image in images]
        )
        throw = np.random.default_rng(self._seed).standard_normal((pixels.shape[1], self.dim)).astype(np.float32)
        return _normalised((pixels / 127.5 - 1.0) @ throw + 1e-3)


def _normalised(vectors: Vectors) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-9)).astype(np.float32)
