"""The average-vector recommendation, which the engine lacks."""

from typing import Any

import numpy as np
import qdrant_edge as edge


def average_vector(positives: list[Any], negatives: list[Any]) -> Any:
    """The vector to search by: mean(positives), moved away from mean(negatives) by their difference.

    Vectors are lists of floats, lists of them (multivectors) or sparse vectors, all of one kind.
    Source: Qdrant's documentation, "Average vector strategy": `avg_pos + avg_pos - avg_neg`.
    """
    first = positives[0]
    if isinstance(first, edge.SparseVector):
        return _sparse(positives, negatives)
    if isinstance(first[0], list):
        return _multi(positives, negatives)
    positive = np.mean(np.asarray(positives, dtype=np.float32), axis=0)
    if not negatives:
        return positive.tolist()
    negative = np.mean(np.asarray(negatives, dtype=np.float32), axis=0)
    return (positive + positive - negative).tolist()


def _multi(positives: list[Any], negatives: list[Any]) -> list[list[float]]:
    """All rows of the positives, then all rows of the negatives turned round: MAX_SIM sums over rows, so that a
    search by them adds the similarities to the positives and subtracts those to the negatives."""
    rows = [row for one in positives for row in one]
    return rows + [[-value for value in row] for one in negatives for row in one]


def _sparse(positives: list[edge.SparseVector], negatives: list[edge.SparseVector]) -> edge.SparseVector:
    """Over the union of the indices; where a side names an index in no example, its mean is zero. An index that only
    negatives name has the weight minus its mean."""
    positive, negative = _sparse_mean(positives), _sparse_mean(negatives)
    merged = {
        index: 2 * positive.get(index, 0.0) - negative.get(index, 0.0) if negatives else positive[index]
        for index in sorted(positive.keys() | negative.keys())
    }
    return edge.SparseVector(list(merged), list(merged.values()))


def _sparse_mean(vectors: list[edge.SparseVector]) -> dict[int, float]:
    sums: dict[int, float] = {}
    for vector in vectors:
        for index, value in zip(vector.indices, vector.values, strict=True):
            sums[index] = sums.get(index, 0.0) + value
    return {index: total / len(vectors) for index, total in sums.items()}
