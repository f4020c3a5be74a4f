"""What the search asks: who is it, and how much are these hits to their taste. Named by settings, so that the search
knows nothing of recommendations."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recommend.events.models import Shopper
from recommend.events.shoppers import shopper_of as known_shopper
from recommend.serving.profile import profile_of
from recommend.surfaces.base import Ask

DISLIKED = 0.0


def shopper_of(request: Any) -> Shopper | None:
    """Who sends the request, if they are known and left personalisation on. Makes nobody known."""
    shopper = known_shopper(request)
    return shopper if shopper is not None and shopper.personalised else None


def taste_of(shopper: Shopper, ids: Sequence[int]) -> Mapping[int, float]:
    """Product id -> 0..1: its rank for this shopper among those that the live model knows; 0 for what was hidden.

    Empty without a model or a history. One query, three more if anything happened since the shopper's past was read
    last, and the model's scores of these products alone.
    """
    profile = profile_of(Ask(shopper))
    tastes = dict.fromkeys(profile.past.rejected.intersection(ids), DISLIKED)
    if profile.live is None or not len(profile.history):
        return tastes
    known = [id for id in ids if id in profile.live.rows and id not in tastes]
    if len(known) < 2:
        return tastes
    rows = np.array([profile.live.rows[id] for id in known], np.int64)
    scores = np.asarray(profile.live.model.score_candidates(profile.history, rows), np.float64)
    # Ranks, since models have scales of their own; what scores alike shares a rank.
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts + 1) / 2)[place] / (len(known) - 1)
    return tastes | dict(zip(known, ranks.tolist(), strict=True))
