"""The relevance floor: which candidates are related to the query at all.

Vector search always returns the k nearest, however far they are, and ranks cannot be thresholded. So each candidate has
to show evidence: how much of the query's words it covers, weighed by how rare they are, and how near its text is,
measured against how near texts are that have nothing to do with each other.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from search.encoders.registry import Spec, encoder_for

# Things of daily life that have nothing to do with each other. Their similarities are an encoder's noise, and encoders
# differ much in it: about 0.1 for MiniLM, 0.75 for the E5 family.
UNRELATED = (
    "garlic", "bicycle pump", "wedding dress", "laser printer", "dog food", "violin strings", "garden hose", "shampoo",
    "hdmi cable", "wool socks", "chess board", "coffee machine", "tennis racket", "bed linen", "car battery", "novel",
    "screwdriver", "olive oil", "baby stroller", "graphics card", "candle", "winter boots", "aquarium", "toothbrush",
    "sunglasses", "cement", "notebook paper", "fishing rod", "lipstick", "wall clock", "tent", "frozen pizza",
)  # fmt: skip
# Standard deviations above the noise. LOW is the nearness of things of one kind; hardly any text at all comes near HIGH
# by chance, not even as the best of twenty thousand.
LOW, HIGH = 1.25, 3.3
# Shares of the query's weight that a product's words cover: enough alone, and enough together with a near text.
COVERED, PARTLY_COVERED = 0.6, 0.25
COVERED_WITHOUT_TEXT = 0.4  # where no text similarity is at hand
# What the best hit of a query has to show, or else the shop has nothing of the kind, however many have one of its words
# ("dog grooming" where a trimmer has "grooming"): nearly all of the words, or a text so near that nothing else need be,
# or both in part. Chosen on half of the queries of docs/search.md, "Nothing found".
ANSWERED, ANSWERED_BY_TEXT = 0.8, 3.8  # coverage; standard deviations above the noise
ANSWERED_TOGETHER, PER_DEVIATION, SOME = 0.8, 0.15, 0.1
ANSWERED_WITHOUT_TEXT = 0.6
STRICT_BY_TEXT, STRICT_COVERED = 2.0, 0.9  # where other words than the typed ones were searched for


Reading = Literal["typed", "corrected", "part"]


@dataclass(frozen=True)
class Nearness:
    """Cosines of a text encoder: `low` may support other evidence, `high` stands alone."""

    low: float
    high: float

    def deviations(self, cosine: float) -> float:
        """How many standard deviations a cosine is above the noise."""
        return LOW + (cosine - self.low) / max(self.high - self.low, 1e-9) * (HIGH - LOW)


def nearness(spec: Spec) -> Nearness:
    """Measured once per encoder and process: 32 short texts."""
    return _nearness(json.dumps(spec, sort_keys=True))


@lru_cache(maxsize=8)
def _nearness(spec: str) -> Nearness:
    vectors = encoder_for(json.loads(spec)).encode_text(list(UNRELATED), query=True)
    cosines = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    mean, deviation = float(cosines.mean()), float(cosines.std())
    return Nearness(min(mean + LOW * deviation, 0.99), min(mean + HIGH * deviation, 0.995))


def asked_weight(best: Mapping[str, float], products: int) -> float:
    """The score of a product that has all of a query's words as well as any product has them.

    `best` maps each word to the best score for it alone; 0 says that no product has it, and then it weighs as much as
    the rarest word would.
    """
    rarest = math.log(1 + (products + 0.5) / 0.5)  # Qdrant's idf of a term in no document
    return sum(score or rarest for score in best.values())


def related(coverage: float, cosine: float | None, near: Nearness | None) -> bool:
    """Whether a candidate is related to the query. `cosine` is None where the text was not among the nearest."""
    if near is None:
        return coverage >= COVERED_WITHOUT_TEXT
    if coverage >= COVERED:
        return True
    return cosine is not None and (cosine >= near.high or (coverage >= PARTLY_COVERED and cosine >= near.low))


def answers(evidence: Iterable[tuple[float, float | None]], near: Nearness | None, *, read: Reading = "typed") -> bool:
    """Whether hits show that the shop has what is asked for; `evidence` holds coverage and cosine of each.

    `read` says which words were searched for. Those that were not typed have to be met; where they are a part of what
    was typed, the text has to be near to all of it as well.
    """
    for coverage, cosine in evidence:
        if near is None:
            if coverage >= (ANSWERED_WITHOUT_TEXT if read == "typed" else STRICT_COVERED):
                return True
            continue
        deviations = near.deviations(cosine) if cosine is not None else 0.0
        if read != "typed":
            if coverage >= COVERED and deviations >= STRICT_BY_TEXT:
                return True
            if coverage >= STRICT_COVERED and read == "corrected":
                return True
        elif (
            coverage >= ANSWERED
            or deviations >= ANSWERED_BY_TEXT
            or (coverage >= SOME and coverage + PER_DEVIATION * deviations >= ANSWERED_TOGETHER)
        ):
            return True
    return False
