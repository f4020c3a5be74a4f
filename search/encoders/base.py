"""The encoder seam: what turns texts and pictures into vectors.

A new encoder is one module in this folder, one entry in ``settings.ENCODERS`` and one line in the parametrised tests.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Vectors = NDArray[np.float32]


class EncoderError(Exception):
    """An encoder could not do its work. ``permanent`` says that trying the same input again cannot help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


def checked(vectors: Vectors, count: int, dim: int) -> Vectors:
    """Return the vectors where they can be compared. Raises EncoderError (permanent) for NaN, infinite values, another
    number or dimension, and a row of zeros, which is like nothing.
    """
    if vectors.shape != (count, dim):
        text = f"The encoder gave vectors of shape {vectors.shape} in place of {(count, dim)}."
        raise EncoderError(text, permanent=True)
    if not np.isfinite(vectors).all():
        raise EncoderError("The encoder gave vectors that are not finite.", permanent=True)
    if count and not np.abs(vectors).max(axis=1).min() > 0:
        raise EncoderError("The encoder gave a vector of zeros.", permanent=True)
    return vectors


@runtime_checkable
class TextEncoder(Protocol):
    """Texts to vectors. Rows are float32, L2-normalised and do not depend on what else is in the batch.

    ``model_id`` changes whenever the vectors do (model, weights, pooling, head): vectors of two ids never meet.
    """

    model_id: str
    dim: int

    def encode_text(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Return ``(len(texts), dim)``. ``query`` picks the query prefix of models that have one."""
        ...


@runtime_checkable
class ImageEncoder(TextEncoder, Protocol):
    """Pictures and texts into one joint space, so that either can look for the other."""

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return ``(len(images), dim)`` for RGB pictures of any size."""
        ...
