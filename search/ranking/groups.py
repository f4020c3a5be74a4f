"""Searches with a row of features for each hit, and how good it was: what rankings are fitted on and measured by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.ranking.features import NAMES

K = 10


@dataclass(frozen=True)
class Group:
    """One search. The hits are in the order in which they were shown, or would be."""

    query: str
    ids: NDArray[np.int64]  # (n,) product ids
    rows: NDArray[np.float64]  # (n, features)
    grades: NDArray[np.int64]  # (n,) what a ranker is to learn, 0 upwards
    weights: NDArray[np.float64]  # (n,) how much each counts in learning; 1, but for clicks at places seldom seen
    gains: NDArray[np.float64]  # (n,) what a hit is worth to whoever sees it
    judged: NDArray[np.bool_]  # (n,) False where nothing is known of a hit, which then counts as worth nothing
    ideal: float  # the best DCG@10 that any order of everything judged has

    def ndcg(self, scores: NDArray[np.float64], *, judged_only: bool = False) -> float:
        """nDCG@10 of the hits ordered by these scores; of equal ones the earlier first."""
        order = np.argsort(-scores, kind="stable")
        if judged_only:
            order = order[self.judged[order]]
        best = self.gains[order[:K]]
        return float((best / np.log2(np.arange(2, len(best) + 2))).sum() / self.ideal) if self.ideal else 0.0


def in_order(group: Group) -> NDArray[np.float64]:
    """Scores that leave the hits as they are."""
    return -np.arange(len(group.ids), dtype=np.float64)


def rows_of(features: Mapping[str, Sequence[float]], ids: Sequence[int]) -> NDArray[np.float64]:
    """``(n, features)``, of what an answer or the log holds by product id."""
    return np.array([features[str(id)] for id in ids], dtype=np.float64).reshape(len(ids), len(NAMES))


def folds(groups: Sequence[Group], count: int, seed: int = 0) -> list[list[int]]:
    """Places of the groups in parts of about the same size; searches for the same words lie in one part."""
    queries = sorted({group.query for group in groups})
    order = np.random.default_rng(seed).permutation(len(queries))
    part = {queries[which]: place % count for place, which in enumerate(order.tolist())}
    return [[at for at, group in enumerate(groups) if part[group.query] == number] for number in range(count)]
