"""Rows cut into batches, and put together again."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from search.encoders.base import EncoderError, Vectors
from search.encoders.runtime import Batch, Engine


def portions(count: int, most: int, fits: Callable[[slice], bool] = lambda portion: True) -> Iterator[slice]:
    """Cut ``count`` rows into batches of ``most``, then, where they are too few or do not fit, of a quarter and so on.

    A CPU runtime makes buffers and kernels for each shape that it meets, and keeps them: with last batches of any size
    a worker rose from 481 to 629 MB before it was level.
    """
    start, size = 0, most
    while start < count:
        while size > 1 and (size > count - start or not fits(slice(start, start + size))):
            size = max(size // 4, 1)
        yield slice(start, start + size)
        start += size


def in_batches(engine: Engine, batches: Iterable[Batch], count: int, width: int) -> Vectors:
    """Run prepared batches and put each row back at the place that its batch names. Returns ``(count, width)``.

    Raises EncoderError (permanent) if a row is not finite: trying the same input again gives the same row.
    """
    rows = np.zeros((count, width), dtype=np.float32)
    for places, found in engine.map(batches):
        rows[places] = found
    if not np.isfinite(rows).all():
        raise EncoderError("The encoder returned vectors with NaN or infinite values.", permanent=True)
    return rows


def normalise(rows: NDArray[np.floating]) -> Vectors:
    """Scale each row to length 1; a row of zeros stays as it is."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return (rows / np.maximum(length, 1e-12)).astype(np.float32)
