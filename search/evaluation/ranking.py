"""Measures of a ranking against graded judgments, as used by TREC: nDCG, reciprocal rank, recall.

A judgment is a grade from 0 (irrelevant) upwards. Whoever evaluates says what a product without a judgment counts as:
0 (`ndcg` over the whole ranking), or nothing at all (`judged_only` first).
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key")
RELEVANT = 1  # the lowest grade that counts as relevant where only two kinds are told apart


def gain(grade: int) -> int:
    """2^grade - 1: a perfect product is worth seven marginal ones (Burges et al., ICML 2005)."""
    return int(2**grade) - 1


def dcg(grades: Sequence[int], k: int) -> float:
    """Discounted cumulated gain of the first k places (Järvelin and Kekäläinen, TOIS 2002)."""
    return sum(gain(grade) / math.log2(place + 1) for place, grade in enumerate(grades[:k], start=1))


def ndcg(ranking: Sequence[Key], judgments: Mapping[Key, int], k: int = 10) -> float:
    """DCG over that of the best possible ranking of what was judged; 0 where nothing is relevant. Unjudged counts 0."""
    ideal = dcg(sorted(judgments.values(), reverse=True), k)
    return dcg([judgments.get(key, 0) for key in ranking], k) / ideal if ideal else 0.0


def judged_only(ranking: Sequence[Key], judgments: Collection[Key]) -> list[Key]:
    """The ranking without what nobody judged ("condensed list", Sakai, SIGIR 2007)."""
    return [key for key in ranking if key in judgments]


def reciprocal_rank(ranking: Sequence[Key], judgments: Mapping[Key, int]) -> float:
    """1 over the place of the first relevant product, 0 without one."""
    places = (place for place, key in enumerate(ranking, start=1) if judgments.get(key, 0) >= RELEVANT)
    return 1 / next(places, math.inf)


def recall(ranking: Sequence[Key], judgments: Mapping[Key, int], k: int = 100) -> float:
    """The share of the relevant products that is among the first k; 0 where none is relevant."""
    relevant = {key for key, grade in judgments.items() if grade >= RELEVANT}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0
