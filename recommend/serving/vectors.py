"""Text and picture vectors of products side by side, for how alike hits are. Without any, nothing is like anything."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from recommend.models.base import Scores
from recommend.serving import memory
from recommend.training.live import Live
from search.index import live as index
from search.index.client import get_client
from search.index.errors import VectorStoreError
from search.index.schema import IMAGE, TEXT

log = logging.getLogger(__name__)


def content_vectors(ids: Sequence[int], live: Live | None) -> Scores:
    """(ids, dims): of the live model's items where it has content, and of the index otherwise."""
    if live is not None and live.items.content is not None:
        rows = np.array([live.rows.get(id, -1) for id in ids], np.int64)
        found = np.asarray(live.items.content[np.maximum(rows, 0)], np.float32)
        found[rows < 0] = 0
        return found
    try:
        return index.on_live(lambda collection: _of_index(ids, collection.name))
    except VectorStoreError:
        log.warning("No vectors from the index: hits are not told apart by content", exc_info=True)
        return np.zeros((len(ids), 1), np.float32)


def _of_index(ids: Sequence[int], collection: str) -> Scores:
    known = _KEPT.of([(collection, id) for id in ids])
    width = max((len(vector) for vector in known.values()), default=1)
    out = np.zeros((len(ids), width), np.float32)
    for row, id in enumerate(ids):
        if (vector := known.get((collection, id))) is not None:
            out[row, : len(vector)] = vector
    return out


def _read(keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], Scores]:
    """Of one collection, which is the one that is live: one request."""
    collection, ids = next(name for name, _ in keys), [id for _, id in keys]
    records = get_client().retrieve(collection, ids, with_payload=False, with_vectors=[TEXT, IMAGE])
    found = {int(each.id): (each.vector.get(TEXT), each.vector.get(IMAGE)) for each in records
             if isinstance(each.vector, dict)}  # fmt: skip
    return {(collection, id): vector for id, vector in _side_by_side(found).items()}


def _side_by_side(found: Mapping[int, tuple[Any, Any]]) -> dict[int, Scores]:
    """Text first, then the mean of the pictures; what a product lacks is zero."""
    made = {}
    for id, (text, pictures) in found.items():
        words = np.asarray(text, np.float32) if text else np.zeros(0, np.float32)
        seen = np.asarray(pictures, np.float32) if pictures else None
        looks = seen.mean(axis=0) if seen is not None and seen.ndim == 2 else seen
        made[id] = np.concatenate([words, looks]) if looks is not None else words
    return made


# They serve likeness only, and may be of before an edit.
_KEPT = memory.Kept(_read, seconds=300, most=4096)
