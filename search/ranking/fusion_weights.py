"""Fusion weights fitted instead of guessed: the best of a grid, by nDCG@10 on judged or clicked searches.

There are few weights, and nDCG is no smooth function of them, so every combination is tried (the exhaustive form of the
coordinate ascent of Metzler and Croft, "Linear feature-based models for information retrieval", 2007). Each one is
either of ranks or of normalised scores; see `search.query.fusion`.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.index.schema import TERMS, TEXT
from search.query.floor import COVERED
from search.query.fusion import BEHAVIOUR, RANK_CONSTANT, WEIGHTS, Fusion
from search.query.preferring import WEIGHT as PREFERRED_WEIGHT
from search.query.retrieve import TEXT_TO_IMAGE
from search.ranking.features import NAMES
from search.ranking.groups import Group

PARTS = (TERMS, TEXT, TEXT_TO_IMAGE, BEHAVIOUR)
WAYS = (("ranks", 10), ("ranks", 30), ("ranks", RANK_CONSTANT), ("scores", RANK_CONSTANT))
TEXT_WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5)  # beside 1 for the words
WEAK_WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.4)  # of pictures and of behaviour
_AT = {name: place for place, name in enumerate(NAMES)}


def grid(groups: Sequence[Group]) -> list[Fusion]:
    """Every fusion to try, the one that ships first; parts that found nothing in any search keep the weight 0."""
    rows = np.vstack([group.rows for group in groups])
    pictures = WEAK_WEIGHTS if rows[:, _AT["text_to_image_rank"]].any() else (0.0,)
    wanted = WEAK_WEIGHTS if rows[:, _AT["behaviour"]].any() else (0.0,)
    tried = [
        Fusion(dict(zip(PARTS, (1.0, *weights), strict=True)), "scores" if by == "scores" else "ranks", constant)
        for (by, constant), *weights in product(WAYS, TEXT_WEIGHTS, pictures, wanted)
    ]
    return [Fusion({part: WEIGHTS["hybrid"].get(part, 0.0) for part in PARTS}), *tried]


def scores(group: Group, fusion: Fusion) -> NDArray[np.float64]:
    """(n,) The scores that `search.query.fusion.fuse` would give the hits of a search under these weights."""
    shares = _shares(group.rows, fusion)
    weights = np.array([fusion.weights.get(part, 0.0) for part in PARTS])
    found = shares @ weights / (weights.sum() or 1.0)
    exact = group.rows[:, _AT["exact"]] > 0
    found[exact] += 1
    covers = (group.rows[:, _AT["terms_coverage"]] >= COVERED) | exact
    weak = (group.rows[:, _AT["terms_rank"]] == 0) & ~covers
    _keep_below(found, covers, weak)
    found *= 1 + PREFERRED_WEIGHT * group.rows[:, _AT["preferred"]]
    # None of the others gets there, and the first of several codes stays first.
    found[exact] += 2 * (1 + PREFERRED_WEIGHT) * np.arange(exact.sum(), 0, -1)
    _keep_below(found, covers, weak)
    return found


def _keep_below(found: NDArray[np.float64], covers: NDArray[np.bool_], weak: NDArray[np.bool_]) -> None:
    if covers.any() and weak.any() and found[weak].max() >= found[covers].min():
        found[weak] *= found[covers].min() / found[weak].max() * (1 - 1e-9)


def _shares(rows: NDArray[np.float64], fusion: Fusion) -> NDArray[np.float64]:
    """(n, 4) What each part adds, as a share of its weight."""
    shares = np.zeros((len(rows), len(PARTS)))
    for column, name in enumerate(("terms_rank", "text_rank", "text_to_image_rank")):
        there = rows[:, _AT[name]] > 0
        ranks = (RANK_CONSTANT + 1) / rows[there, _AT[name]] - RANK_CONSTANT
        shares[there, column] = (fusion.rank_constant + 1) / (fusion.rank_constant + ranks)
    if fusion.by == "scores":
        nearness = rows[:, _AT["text_nearness"]].clip(0.0)
        shares[:, 0] = rows[:, _AT["terms_coverage"]].clip(0.0, 1.0)
        shares[:, 1] = nearness / (nearness.max(initial=0.0) or 1.0)
    shares[:, 3] = rows[:, _AT["behaviour"]]
    return shares


def table(groups: Sequence[Group], fusions: Sequence[Fusion]) -> NDArray[np.float64]:
    """(fusions, groups) nDCG@10 of each."""
    return np.array([[group.ndcg(scores(group, fusion)) for group in groups] for fusion in fusions])


def best(figures: NDArray[np.float64], places: Sequence[int]) -> int:
    """The row of the fusion that does best on these groups; the first, unless another is better by a standard error.

    The one-standard-error rule (Breiman et al., "Classification and regression trees", 1984): with few queries the best
    of many is often the luckiest, and does worse than what ships on queries that it has not seen.
    """
    chosen = figures[:, list(places)]
    top = int(chosen.mean(axis=1).argmax())
    gained = chosen[top] - chosen[0]
    return top if gained.mean() > gained.std() / math.sqrt(len(gained)) else 0


def as_json(fusion: Fusion) -> dict[str, Any]:
    return {"weights": dict(fusion.weights), "by": fusion.by, "rank_constant": fusion.rank_constant}


def fusion_from(told: Any) -> Fusion:
    """Read what `as_json` wrote. Raises ValueError for anything else."""
    weights = told.get("weights") if isinstance(told, Mapping) else None
    if not isinstance(weights, Mapping) or not weights or not set(weights) <= set(PARTS):
        raise ValueError(f"these are no weights of {', '.join(PARTS)}.")
    numbers = [*weights.values(), told.get("rank_constant")]
    if not all(isinstance(each, (int, float)) and math.isfinite(each) and each >= 0 for each in numbers):
        raise ValueError("weights are numbers from 0 upwards.")
    if not any(weights.values()) or told.get("by") not in ("ranks", "scores"):
        raise ValueError('a fusion needs a weight above 0, and goes by "ranks" or by "scores".')
    return Fusion(dict(weights), told["by"], int(told["rank_constant"]))
