"""What is read off a ranking: accuracy, and what accuracy does not see."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommend.evaluation.ranking import AT, Ranking
from recommend.evaluation.splits import Questions
from recommend.models.base import Ids, Interactions, Items

BOOTSTRAPS = 1000


def gains(ranks: NDArray[np.int64], at: int = AT) -> NDArray[np.float64]:
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


def interval(values: NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of the mean, by the bootstrap over questions (Efron and Tibshirani, 1993)."""
    random = np.random.default_rng(seed)
    means = [random.choice(values, len(values)).mean() for _ in range(BOOTSTRAPS)] if len(values) else [0.0]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def gini(counts: NDArray[np.float64]) -> float:
    """0: all are shown alike; towards 1: one has it all."""
    ordered = np.sort(counts)
    n, total = len(ordered), ordered.sum()
    if not total:
        return 0.0
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


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

    def measure(self, ranking: Ranking, questions: Questions) -> dict[str, float]:
        lists = ranking.lists
        shown = np.bincount(lists.ravel(), minlength=len(self.items)).astype(np.float64)
        found = {
            "coverage@10": float(np.mean(shown > 0)),
            # Bits of surprise: an item that one event in 1,000 is of has about 10 (Zhou et al., PNAS 2010).
            "novelty": float(-np.log2(np.maximum(self.popularity, 1e-9))[lists].mean()),
            "gini_items": gini(shown),
        }
        described = self._described()
        if described is not None:
            found["diversity"] = _intra_list_distance(described, lists)
        groups = self.items.attributes
        if groups is not None and groups.size:
            found["miscalibration"] = self._miscalibration(lists, questions)
            for column, name in enumerate(("brands", "stores")):
                if self.items.categories is not None and column < groups.shape[1]:
                    # All kinds of attributes share one range of ids: only this kind's own can be shown.
                    own = np.unique(groups[:, column])
                    counts = np.bincount(groups[lists, column].ravel(), minlength=int(own.max()) + 1)
                    found[f"gini_{name}"] = gini(counts[own[own > 0]].astype(np.float64))
        return found

    def _described(self) -> NDArray[np.float32] | None:
        """(items, dims) rows of length 1: content where it is known, else the attributes as a bag."""
        if self.items.content is not None:
            vectors = self.items.content
        elif self.items.attributes is not None:
            ids = self.items.attributes
            vectors = np.zeros((len(ids), 256), np.float32)
            # Hashed to 256 signed dimensions, inner products stay the same in expectation (Weinberger et al., 2009).
            random = np.random.default_rng(0)
            codes = random.standard_normal((int(ids.max(initial=0)) + 1, 256)).astype(np.float32)
            codes[0] = 0
            for column in ids.T:
                vectors += codes[column]
        else:
            return None
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    def _miscalibration(self, lists: Ids, questions: Questions) -> float:
        """Mean KL divergence of lists from histories, by attribute (Steck, "Calibrated recommendations", 2018)."""
        attributes = self.items.attributes
        assert attributes is not None  # noqa: S101 - asked for only where there are some
        size = int(attributes.max(initial=0)) + 1
        found = []
        for history, shown in list(zip(questions.histories, lists, strict=True))[:2000]:
            wanted = np.bincount(attributes[history].ravel(), minlength=size)[1:].astype(np.float64)
            got = np.bincount(attributes[shown].ravel(), minlength=size)[1:].astype(np.float64)
            if wanted.sum() and got.sum():
                wanted, got = wanted / wanted.sum(), got / got.sum()
                there = wanted > 0
                smoothed = 0.99 * got + 0.01 * wanted  # as Steck has it, so that it stays finite
                found.append(float(wanted[there] @ np.log(wanted[there] / smoothed[there])))
        return float(np.mean(found)) if found else 0.0


def _intra_list_distance(vectors: NDArray[np.float32], lists: Ids) -> float:
    """Mean of 1 - cosine over the pairs of each list."""
    pairs = AT * (AT - 1)
    total = 0.0
    for shown in lists:
        summed = vectors[shown].sum(0)
        total += 1 - (float(summed @ summed) - AT) / pairs
    return total / max(len(lists), 1)
