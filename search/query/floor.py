"""The relevance floor: which candidates are related to the query at all.

Vector search always returns the k nearest, however far they are, and ranks cannot be thresholded. So each candidate has
to show evidence: how much of the query's words it covers, weighed by how rare they are, and how near its text is,
measured against how near texts are that have nothing to do with each other.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

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


@dataclass(frozen=True)
class Nearness:
    """Cosines of a text encoder: `low` may support other evidence, `high` stands alone."""

    low: float
    high: float


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
