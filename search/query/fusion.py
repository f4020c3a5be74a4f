"""Several ranked lists into one: reciprocal ranks with weights, after the relevance floor.

Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009) needs no common scale. Its known weakness, that it
dilutes a strong match and cannot be thresholded, is met by three rules: an exact code ranks before everything, only
what passes the floor (`search.query.floor`) takes part, and what has none of the words stays below what covers them.

A fitted fusion (`search.ranking.fusion_weights`) may add normalised scores instead of ranks: the convex combination of
Bruch, Gai and Ingber ("An analysis of fusion functions for hybrid retrieval", TOIS 2023).

With a picture, similarities are added instead of ranks: hundreds of products may have the one word of "in blue" and all
of them the same score, so that their ranks say nothing, while how far the best picture is ahead of the next says much.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from search.index.schema import IMAGE, TERMS, TEXT
from search.query.floor import COVERED, Nearness, related
from search.query.retrieve import TEXT_TO_IMAGE, Ranked
from search.query.text_to_image import Looks

BEHAVIOUR = "behaviour"
RANK_CONSTANT = 60
WEIGHTS = {
    "lexical": {TERMS: 1.0},
    "semantic": {TEXT: 1.0, IMAGE: 1.0},
    "hybrid": {TERMS: 2.0, TEXT: 1.0, IMAGE: 1.0},
}
# With a picture the words refine what the picture asks for. They are in the composed vector already, and once more here
# for what the catalogue says in words. Chosen on "the same in another colour" in one half of 300 queries with fashion
# photos that the catalogue does not hold, together with `search.query.kinds`; see docs/search.md for the other half.
WEIGHTS_WITH_PICTURE = {TERMS: 0.5, IMAGE: 1.0}
# A picture's neighbours, as a share of the best one's similarity: what is further off merely has a picture too.
PICTURE_FLOOR = 0.5

# From product ids to how much each is wanted, 0 to 1; those that nobody wanted are left out.
Prior = Callable[[Sequence[int]], Mapping[int, float]]


@dataclass
class Scored:
    """A product with its score (at most 1, and 1 more for an exact code) and where that came from."""

    id: int
    score: float = 0.0
    parts: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # part -> {"score", "rank", "weight", "contribution"}
    coverage: float = 0.0  # the share of the words' weight that its words cover
    # Place, from 0, and score by the fusion, before anything else moved it.
    place: int = 1000  # of what something else brought in
    fused: float = 0.0

    @property
    def order(self) -> tuple[float, float]:
        """What hits are sorted by: exact codes in their own order, then by score."""
        return self.parts.get("exact", {}).get("rank", math.inf), -self.score

    @property
    def covers(self) -> bool:
        """Whether it has the words that were asked for, all of them or nearly."""
        return self.coverage >= COVERED or "exact" in self.parts

    @property
    def weak(self) -> bool:
        """Whether it was found by likeness alone: it has none of the words, and no filter stands for them."""
        return TERMS not in self.parts and not self.covers


@dataclass(frozen=True)
class Fusion:
    """How lists are added up: by reciprocal ranks, or by scores that are normalised from the floor to the best one."""

    weights: Mapping[str, float]
    by: Literal["ranks", "scores"] = "ranks"
    rank_constant: int = RANK_CONSTANT


def fuse(
    lists: Mapping[str, Ranked],
    *,
    weights: Mapping[str, float] | Fusion,
    exact: Sequence[int] = (),
    asked: float = 0.0,
    near: Nearness | None = None,
    without: Collection[int] = (),
    looks: Looks | None = None,
    prior: Prior | None = None,
    granted: float = 0.0,
) -> list[Scored]:
    """Best first; equal scores by id, so that pages never overlap.

    `asked` is the score of a product that has all of the query's words; `near` is None where no text was compared.
    `looks` is None where the words were not held against pictures.
    `granted` is the share of `asked` of words that the filters stand for: what meets the filters covers them, and they
    are not among the words that were looked up, or else they are all of these.
    `prior` is asked once for what passed the floor, if it has a weight, and adds nothing to what nobody wanted.
    """
    fusion = weights if isinstance(weights, Fusion) else Fusion(weights)
    weights = fusion.weights
    found: dict[int, Scored] = {}
    for part, ranked in lists.items():
        rank, best = 0, math.inf
        for place, (id, score) in enumerate(ranked, start=1):
            if score < best:  # equals share a rank: what the store tells first of them says nothing
                rank, best = place, score
            scored = found.setdefault(id, Scored(id))
            scored.parts[part] = {"score": score, "rank": rank, "weight": weights.get(part, 0.0)}
    first = {id: position for position, id in enumerate(exact)}
    for id in first:
        found.setdefault(id, Scored(id))
    nearest = lists[IMAGE][0][1] if lists.get(IMAGE) else None
    picture_floor = PICTURE_FLOOR * nearest if nearest is not None else None
    kept = []
    for scored in found.values():
        terms = scored.parts.get(TERMS)
        scored.coverage = min((terms["score"] / asked if terms and asked else 0.0) + granted, 1.0)
        if scored.id not in without and (scored.id in first or _passes(scored, near, looks, picture_floor)):
            kept.append(scored)
    _add_prior(kept, prior, weights.get(BEHAVIOUR, 0.0))
    shares = _Shares(fusion, lists, asked, near, by_score=nearest is not None)
    for scored in kept:
        if scored.id in first:
            scored.parts["exact"] = {"score": 1.0, "rank": first[scored.id] + 1, "weight": 1.0, "contribution": 1.0}
        for part, told in scored.parts.items():
            if part != "exact":
                told["contribution"] = told["weight"] / shares.total * shares.of(part, told)
        scored.score = sum(part["contribution"] for part in scored.parts.values())
    kept = [scored for scored in kept if scored.score > 0]
    if weights.get(TERMS) and nearest is None:
        _keep_below(kept)
    return sorted(kept, key=lambda each: (first.get(each.id, len(first)), -each.score, each.id))


class _Shares:
    """What a part adds to a score as a share of its weight: 1 for what is first, or as good as can be."""

    def __init__(
        self, fusion: Fusion, lists: Mapping[str, Ranked], asked: float, near: Nearness | None, *, by_score: bool
    ) -> None:
        self._constant = fusion.rank_constant
        self._scales: dict[str, tuple[float, float]] | None = None  # part -> (worth nothing, worth all)
        if by_score:
            self._scales = {IMAGE: (0.0, lists[IMAGE][0][1]), TERMS: (0.0, asked)}
        elif fusion.by == "scores":
            self._scales = {TERMS: (0.0, asked)}
            if near and lists.get(TEXT):
                self._scales[TEXT] = (near.low, lists[TEXT][0][1])
        self._by_score = by_score
        self.total = sum(fusion.weights.get(part, 0.0) for part in {*lists, BEHAVIOUR}) or 1.0

    def of(self, part: str, told: Mapping[str, Any]) -> float:
        if part == BEHAVIOUR:
            return float(told["score"])
        if self._scales is not None and (part in self._scales or self._by_score):
            low, high = self._scales.get(part, (0.0, 1.0))
            return min(max((told["score"] - low) / ((high - low) or 1.0), 0.0), 1.0)
        return float((self._constant + 1) / (self._constant + told["rank"]))


def _add_prior(kept: Sequence[Scored], prior: Prior | None, weight: float) -> None:
    if prior is None or weight <= 0 or not kept:
        return
    wanted = prior([scored.id for scored in kept])
    for scored in kept:
        if (value := wanted.get(scored.id, 0.0)) > 0:
            scored.parts[BEHAVIOUR] = {"score": min(float(value), 1.0), "weight": weight}


def _keep_below(kept: Sequence[Scored]) -> None:
    """Shrink the scores of what has none of the words, in proportion, to below the least that covers them.

    Reciprocal ranks fall so slowly that the first by meaning alone outscores the hundredth that has every word.
    """
    least = min((scored.score for scored in kept if scored.covers), default=None)
    weak = [scored for scored in kept if scored.weak]
    most = max((scored.score for scored in weak), default=0.0)
    if least is None or most < least:
        return
    factor = least / most * (1 - 1e-9)
    for scored in weak:
        for part in scored.parts.values():
            part["contribution"] *= factor
        scored.score = sum(part["contribution"] for part in scored.parts.values())


def kept_below(ranked: Sequence[Scored]) -> list[Scored]:
    """The same rule once more, for scores to which something was added since."""
    _keep_below(ranked)
    return sorted(ranked, key=lambda each: each.order)


def guarded(ranked: Sequence[Scored]) -> list[Scored]:
    """The same rule for an order that something else made: what has none of the words comes after what covers them."""
    last = max((place for place, scored in enumerate(ranked) if scored.covers), default=-1)
    ahead = [scored for scored in ranked[: last + 1] if not scored.weak]
    return [*ahead, *(scored for scored in ranked[: last + 1] if scored.weak), *ranked[last + 1 :]]


def _passes(scored: Scored, near: Nearness | None, looks: Looks | None, picture_floor: float | None) -> bool:
    if picture_floor is not None:
        # Words beside a picture may ask for something that looks rather different ("the same in blue").
        image = scored.parts.get(IMAGE)
        return image is not None and (image["score"] >= picture_floor or scored.coverage >= COVERED)
    text = scored.parts.get(TEXT)
    # Both lists begin where they may support each other.
    if looks and (shown := scored.parts.get(TEXT_TO_IMAGE)) and (text or shown["score"] >= looks.high):
        return True
    return related(scored.coverage, text["score"] if text else None, near)
