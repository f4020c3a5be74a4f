"""Text and picture vectors of products side by side, for how alike hits are. Without any, nothing is like anything."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recommend.models.base import Scores
from recommend.training.live import Live
from search.index import live as index
from search.index.client import get_client
from search.index.errors import VectorStoreError
from search.index.schema import IMAGE, TEXT

log = logging.getLogger(__name__)

KEPT = 4096  # products whose vectors a process keeps; they serve likeness only, and may be of before an edit
MOST = 100  # asked of the index at once
_kept: OrderedDict[tuple[str, int], Scores] = OrderedDict()
_lock = threading.Lock()


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
    with _lock:
        known = {id: _kept[collection, id] for id in ids if (collection, id) in _kept}
    missing = [id for id in ids if id not in known][:MOST]
    if missing:
        records = get_client().retrieve(collection, missing, with_payload=False, with_vectors=[TEXT, IMAGE])
        fresh = {int(each.id): (each.vector.get(TEXT), each.vector.get(IMAGE)) for each in records
                 if isinstance(each.vector, dict)}  # fmt: skip
        known |= _side_by_side(fresh)
        with _lock:
            for id in fresh:
                _kept[collection, id] = known[id]
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    width = max((len(vector) for vector in known.values()), default=1)
    out = np.zeros((len(ids), width), np.float32)
    for row, id in enumerate(ids):
        if (vector := known.get(id)) is not None:
            out[row, : len(vector)] = vector
    return out


def _side_by_side(found: Mapping[int, tuple[Any, Any]]) -> dict[int, Scores]:
    """Text first, then the mean of the pictures; what a product lacks is zero."""
    made = {}
    for id, (text, pictures) in found.items():
        words = np.asarray(text, np.float32) if text else np.zeros(0, np.float32)
        seen = np.asarray(pictures, np.float32) if pictures else None
        looks = seen.mean(axis=0) if seen is not None and seen.ndim == 2 else seen
        made[id] = np.concatenate([words, looks]) if looks is not None else words
    return made
