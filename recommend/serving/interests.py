"""The interests in one history: a shopper who looks for a tent and for a gift gets room for both."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from recommend.models.base import Ids, Scores
from recommend.serving.selection import unit

MOST = 4  # interests that get room of their own
RECENCY = 0.9  # weight of an event, a step back
LEAST_ROOM = 0.15  # of an interest, as a share of all
# Standard deviations above the mean likeness of two products at random.
NEAR = 1.0
SAMPLE = 512


@dataclass(frozen=True)
class Interest:
    """Some events of a history that are about one thing."""

    events: Ids  # positions in the history, ascending
    share: float  # of the shopper's attention; all shares sum to 1
    centre: Scores  # (dims,), of length 1


def interests_of(vectors: Scores, near: float) -> list[Interest]:
    """Find them by average-link clustering of the history's vectors (events, dims), the newest interest first.

    As in PinnerSage (Pal et al., KDD 2020), an interest is a cluster and not an average of unlike things. `near` is the
    cosine from which two things are of one interest (`likeness`). Beyond MOST the smallest are dropped. Events whose
    vector is zero belong to none.
    """
    vectors = unit(vectors)
    usable = np.flatnonzero(np.abs(vectors).sum(axis=1) > 0)
    if not len(usable):
        return []
    labels = np.ones(len(usable), np.int64)
    if len(usable) > 1:
        distances = (1.0 - vectors[usable] @ vectors[usable].T)[np.triu_indices(len(usable), 1)]
        labels = fcluster(linkage(np.maximum(distances, 0.0), "average"), 1.0 - near, "distance")
    weight = RECENCY ** np.arange(len(vectors) - 1, -1, -1)
    member = labels == np.unique(labels)[:, None]  # (interests, usable)
    attention = member @ weight[usable]
    strongest = np.argsort(-attention, kind="stable")[:MOST]
    shares = np.maximum(attention[strongest] / attention[strongest].sum(), LEAST_ROOM)
    shares /= shares.sum()
    centres = unit((member[strongest] * weight[usable]) @ vectors[usable])
    made = [
        Interest(usable[member[row]], float(share), centre)
        for row, share, centre in zip(strongest, shares, centres, strict=True)
    ]
    return sorted(made, key=lambda each: -int(each.events[-1]))


def likeness(catalogue: Scores) -> float:
    """The cosine from which two things are of one kind: encoders differ much in how alike things at random are.

    `catalogue` is (items, dims); a sample of it is measured.
    """
    step = max(len(catalogue) // SAMPLE, 1)
    sample = unit(np.asarray(catalogue[::step][:SAMPLE], np.float32))
    sample = sample[np.abs(sample).sum(axis=1) > 0]
    if len(sample) < 2:
        return 0.5
    cosines = (sample @ sample.T)[np.triu_indices(len(sample), 1)]
    return float(min(cosines.mean() + NEAR * cosines.std(), 0.95))


def belongs_to(interests: list[Interest], vectors: Scores) -> NDArray[np.int64]:
    """(n,) the interest that each vector is nearest to."""
    centres = np.stack([each.centre for each in interests])
    return (unit(vectors) @ centres.T).argmax(axis=1)
