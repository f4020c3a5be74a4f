"""What is read off a ranking: accuracy, and what accuracy does not see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommend.evaluation.ranking import AT
from recommend.models.base import Ids, Interactions, Items
from recommend.models.content import described

MOST_COMPARED = 2000  # lists whose calibration is measured: the first ones


def gains(ranks: NDArray[np.int64] | NDArray[np.float64], at: int = AT) -> NDArray[np.float64]:
    """(questions,) NDCG@at of each: with one right answer the ideal is 1."""
    return np.where(ranks < at, 1 / np.log2(ranks + 2.0), 0.0)


def accuracy(ranks: NDArray[np.int64]) -> dict[str, float]:
    if not len(ranks):
        return {}
    return {
        "hr@5": float(np.mean(ranks < 5)),
        "ndcg@5": float(gains(ranks, 5).mean()),
        "hr@10": float(np.mean(ranks < 10)),
        "ndcg@10": float(gains(ranks).mean()),
        "mrr": float(np.mean(1 / (ranks + 1.0))),
    }


def gini(counts: NDArray[np.float64]) -> float:
    """0: all are shown alike; towards 1: one has it all."""
    ordered = np.sort(counts)
    n, total = len(ordered), ordered.sum()
    if not total:
        return 0.0
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


def exposure_gini(groups: Ids, lists: Ids) -> float:
    """Gini of how often each group is shown; `groups` (items,) are its ids from 1, 0 for none."""
    own = np.unique(groups)
    counts = np.bincount(groups[lists].ravel(), minlength=int(own.max(initial=0)) + 1)
    return gini(counts[own[own > 0]].astype(np.float64))


@dataclass(frozen=True)
class Beyond:
    """What the lists of one model are like, beside being right or wrong."""

    items: Items
    popularity: NDArray[np.float64]  # (items,) share of the training's events

    @classmethod
    def of(cls, train: Interactions) -> "Beyond":
        rows = np.concatenate([*train.histories, np.zeros(0, np.int64)]).astype(np.int64)
        counts = np.bincount(rows, minlength=len(train.items)).astype(np.float64)
        return cls(train.items, counts / max(counts.sum(), 1))

    def measure(self, lists: Ids, histories: Sequence[Ids]) -> dict[str, float]:
        """Figures of (questions, AT or fewer) lists of item rows, shown to shoppers with these histories."""
        shown = np.bincount(lists.ravel(), minlength=len(self.items)).astype(np.float64)
        found = {
            "coverage@10": float(np.mean(shown > 0)),
            # Bits of surprise: an item that one event in 1,000 is of has about 10 (Zhou et al., PNAS 2010).
            "novelty": float(-np.log2(np.maximum(self.popularity, 1e-9))[lists].mean()),
            "gini_items": gini(shown),
        }
        if self.items.content is not None or self.items.attributes is not None:
            found["diversity"] = self._distance_within(lists)
        groups = self.items.attributes
        if groups is not None and groups.size:
            found["miscalibration"] = self._miscalibration(lists, histories)
        return found

    def _distance_within(self, lists: Ids) -> float:
        """Mean of 1 - cosine over the pairs of each list, by content where it is known, else by attributes."""
        shown = lists.shape[1]
        if len(lists) == 0 or shown < 2:
            return 0.0
        vectors = described(self.items if self.items.content is None else replace(self.items, attributes=None))
        length = np.sqrt(vectors.multiply(vectors).sum(1).A1)
        vectors = sparse.diags(1 / np.maximum(length, 1e-9)) @ vectors
        rows = np.repeat(np.arange(len(lists)), shown)
        ones = np.ones(lists.size, np.float32)
        summed = sparse.csr_matrix((ones, (rows, lists.ravel())), shape=(len(lists), len(self.items))) @ vectors
        # The squared length of a sum holds each pair twice, and each vector with itself.
        itself = (length > 0)[lists].sum(1)
        likeness = (summed.multiply(summed).sum(1).A1 - itself) / (shown * (shown - 1))
        return float(np.mean(1 - likeness))

    def _miscalibration(self, lists: Ids, histories: Sequence[Ids]) -> float:
        """Mean KL divergence of lists from histories, by attribute (Steck, "Calibrated recommendations", 2018)."""
        attributes = self.items.attributes
        assert attributes is not None  # noqa: S101 - asked for only where there are some
        size = int(attributes.max(initial=0)) + 1
        found = []
        for history, shown in list(zip(histories, lists, strict=True))[:MOST_COMPARED]:
            wanted = np.bincount(attributes[history].ravel(), minlength=size)[1:].astype(np.float64)
            got = np.bincount(attributes[shown].ravel(), minlength=size)[1:].astype(np.float64)
            if wanted.sum() and got.sum():
                wanted, got = wanted / wanted.sum(), got / got.sum()
                there = wanted > 0
                smoothed = 0.99 * got + 0.01 * wanted  # as Steck has it, so that it stays finite
                found.append(float(wanted[there] @ np.log(wanted[there] / smoothed[there])))
        return float(np.mean(found)) if found else 0.0
