"""Item embeddings to begin with: the strongest directions of what is taken near what."""

import numpy as np
from scipy.sparse.linalg import eigsh

from recommend.models.base import Interactions, Scores
from recommend.models.neighbours import SeqKNN


def spectral_embeddings(data: Interactions, dim: int, seed: int) -> Scores:
    """Return (items, dim), of length 1 or, for items with few neighbours, less.

    The leading eigenvectors of the symmetric co-occurrence matrix, each scaled by the root of its eigenvalue, so that
    inner products approximate it (Levy and Goldberg, NeurIPS 2014, show that word2vec does the same implicitly). A
    network that begins here needs fewer epochs. In double precision: ARPACK stalls in single on some
    processors.
    """
    near = SeqKNN(backward=1.0, event_power=0.5, item_power=0.5, neighbours=len(data.items))
    near.fit(data)
    matrix = (near.similarity + near.similarity.T).astype(np.float64) / 2
    rank = min(dim, matrix.shape[0] - 2)
    if rank < 1 or not matrix.nnz:
        return np.zeros((len(data.items), dim), np.float32)
    begin = np.random.default_rng(seed).standard_normal(matrix.shape[0])
    values, vectors = eigsh(matrix, k=rank, which="LA", v0=begin)
    found = np.zeros((len(data.items), dim))
    found[:, :rank] = vectors * np.sqrt(np.maximum(values, 0))
    length = np.linalg.norm(found, axis=1, keepdims=True)
    typical = np.median(length[length > 1e-9]) if (length > 1e-9).any() else 1.0
    return (found / np.maximum(length, 1e-9) * np.minimum(length / typical, 1)).astype(np.float32)
