"""The joint space before and after a fit, on products that the fit never saw, and any other encoder beside it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.encoders.base import ImageEncoder, Vectors
from search.encoders.bundled import BundledJointEncoder
from search.encoders.compose import compose
from search.encoders.fitting import fit_head
from search.evaluation.families import is_held_out
from search.evaluation.images import Sample, measure
from search.evaluation.photos import Photo, readable

AT_ONCE = 128  # pictures decoded and held in memory


@dataclass(frozen=True)
class Rows:
    """Photos and one array row for each."""

    photos: list[Photo]
    pictures: NDArray[np.float32]  # (n, features) or (n, dim)
    titles: Vectors  # (n, text) or (n, dim)

    def part(self, taken: NDArray[np.bool_]) -> "Rows":
        photos = [photo for photo, one in zip(self.photos, taken, strict=True) if one]
        return Rows(photos, self.pictures[taken], self.titles[taken])

    @property
    def kinds(self) -> list[str]:
        return [photo.kind for photo in self.photos]

    @property
    def colours(self) -> list[str]:
        return [photo.colour for photo in self.photos]

    @property
    def held_out(self) -> NDArray[np.bool_]:
        return np.array(is_held_out([photo.family for photo in self.photos]), dtype=bool)


def read_rows(photos: list[Photo], encode: Callable[..., Vectors], encoder: ImageEncoder, progress: Any) -> Rows:
    """Run ``encode`` (pictures to rows) over all photos that can be decoded; ``progress`` is a tqdm bar over photos."""
    kept, parts, waiting = [], [], []
    for photo, image in readable(photos):
        kept.append(photo)
        waiting.append(image)
        if len(waiting) == AT_ONCE:
            parts.append(encode(waiting))
            progress.update(len(waiting))
            waiting = []
    if waiting:
        parts.append(encode(waiting))
        progress.update(len(waiting))
    titles = encoder.encode_text([photo.title for photo in kept])
    return Rows(kept, np.vstack(parts) if parts else np.zeros((0, 1), np.float32), titles)


def fit(rows: Rows, progress: Callable[[], object] = lambda: None) -> tuple[bytes, float]:
    """A head fitted to all rows, as its stored bytes, and the seconds it took."""
    started = time.perf_counter()
    head = fit_head(rows.pictures, rows.titles, rows.kinds, progress=progress)
    return head.to_bytes(), time.perf_counter() - started


def figures_of_head(encoder: BundledJointEncoder, held_out: Rows, rest: Rows) -> dict[str, float]:
    """Figures of a bundled encoder on features; ``rest`` is the catalogue that the held-out pictures join."""
    wide = np.pad(held_out.titles, ((0, 0), (0, encoder.dim - held_out.titles.shape[1])))
    pictures = encoder.from_features(held_out.pictures)
    return figures(encoder, Rows(held_out.photos, pictures, wide), encoder.from_features(rest.pictures), rest.kinds)


def figures(encoder: ImageEncoder, held_out: Rows, catalogue: Vectors, kinds: list[str]) -> dict[str, float]:
    """Figures of any encoder on its vectors."""
    sample = Sample(held_out.pictures, held_out.titles, held_out.kinds, held_out.colours)

    def query(row: int, words: str) -> Vectors:
        return compose(encoder, text=words, image_vectors=held_out.pictures[row : row + 1])

    def encode_words(words: list[str]) -> Vectors:
        return encoder.encode_text(words, query=True)

    return measure(sample, encode_words, query, (catalogue, kinds))
