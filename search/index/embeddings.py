"""Vectors by content, kept in the database: look up what was encoded before, keep what is encoded now."""

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from search.models import Embedding

Vector = NDArray[np.float16]


def text_key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def rounded(vectors: NDArray[np.float32]) -> NDArray[np.float16]:
    """As they are kept, and as points get them, whether fresh from the encoder or kept from before."""
    return vectors.astype(np.float16)


def lookup(model_id: str, keys: Iterable[str]) -> dict[str, Vector]:
    """The vectors that are known of these contents, by SHA-256."""
    rows = Embedding.objects.filter(model_id=model_id, sha256__in=list(keys)).values_list("sha256", "vector")
    return {key: np.frombuffer(bytes(vector), dtype="<f2") for key, vector in rows}


def keep(model_id: str, vectors: Mapping[str, Vector]) -> None:
    """Remember vectors. Another worker may have been faster with the same content; then its row stays."""
    Embedding.objects.bulk_create(
        [Embedding(model_id=model_id, sha256=key, vector=v.astype("<f2").tobytes()) for key, v in vectors.items()],
        ignore_conflicts=True,
        batch_size=1000,
    )


def forget(model_ids: Iterable[str]) -> int:
    """Drop all vectors of these models; returns how many there were."""
    return Embedding.objects.filter(model_id__in=list(model_ids)).delete()[0]
