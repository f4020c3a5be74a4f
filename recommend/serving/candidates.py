"""From a history to products that may be shown, with scores: by the live model, else by counts and content."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from qdrant_client import models

from recommend.models.base import Ids, Scores
from recommend.serving import tables
from recommend.serving.models import Companions, Demand
from recommend.serving.profile import Profile
from recommend.serving.shelf import Wish
from recommend.training import behaviour
from search.index.client import get_client
from search.index.errors import VectorStoreError
from search.index.live import on_live
from search.index.schema import TEXT

log = logging.getLogger(__name__)

NEAREST = 200  # of the user's vector
NEIGHBOURS = 200  # of the last items
LAST = 10  # events whose neighbours are looked at
POPULAR = NEWEST = 200
LIKE_EACH = 20  # products like one of the history, where no model is live
RECENCY = 0.8  # weight of an event without a model, a step back


@dataclass
class Pool:
    """Products with scores on one scale, and the parts that made each.

    `rest` is where more come from, the best first: each is asked only once those before it are used up, since who knows
    how many of them may be shown?
    """

    scores: dict[int, float] = field(default_factory=dict)
    parts: dict[int, dict[str, Any]] = field(default_factory=dict)
    rest: "list[Callable[[], Pool]]" = field(default_factory=list)

    def add(self, id: int, score: float, **parts: Any) -> None:
        """Add to a product's score, and to its parts."""
        self.scores[id] = self.scores.get(id, 0.0) + score
        self.parts.setdefault(id, {}).update(parts)

    def below(self, other: "Pool") -> None:
        """Take over from another pool what is not in this one, 1 to 2 below this one's last.

        The scales of two pools say nothing of each other, and the longer must not make all of the other alike.
        """
        lowest = min(self.scores.values(), default=2.0)
        low, high = min(other.scores.values(), default=0.0), max(other.scores.values(), default=0.0)
        for id, score in other.scores.items():
            if id not in self.scores:
                self.add(id, lowest - 1.0 - (high - score) / ((high - low) or 1.0), **other.parts[id])

    def fall_back(self) -> bool:
        """Take the next of `rest` below what is there. False where nothing is left."""
        if not self.rest:
            return False
        self.below(self.rest.pop(0)())
        return True


def for_shopper(profile: Profile, wish: Wish, *, only: list[int] | None = None) -> Pool:
    """The best for this shopper; then what is popular, and then what came last. `only` some are scored and no more."""
    if profile.live is not None and len(profile.history):
        pool = by_model(profile, wish, only=only)
    elif profile.past.seen:
        pool = by_counts(profile, wish)
    else:
        pool = Pool()
    if only is not None:
        among = set(only)
        pool = Pool({id: s for id, s in pool.scores.items() if id in among}, pool.parts)
    else:
        pool.rest = [partial(popular, wish), partial(newest, wish)]
    return pool


def by_model(profile: Profile, wish: Wish, *, only: list[int] | None = None) -> Pool:
    """Nearest of the user's vector, and neighbours of the last items, scored by the model together."""
    live, history = profile.live, profile.history
    assert live is not None  # noqa: S101  (callers ask first)
    near = _nearest(profile, wish, only)
    rows = {id: live.rows[id] for id in near if id in live.rows}
    keys = live.items.keys
    if only is not None:
        rows |= {id: live.rows[id] for id in only if id in live.rows}
    else:
        rows |= {int(keys[row]): int(row) for row in neighbour_rows(live.model, history)}
    ids = list(rows)
    if not ids and not near:
        return Pool()
    scores = live.model.score_candidates(history, np.array([rows[id] for id in ids], np.int64)).astype(np.float64)
    pool = Pool()
    pool.scores = dict(zip(ids, scores.tolist(), strict=True))
    pool.parts = {
        id: {"model": score, "vector": near[id]} if id in near else {"model": score}
        for id, score in pool.scores.items()
    }
    _place_new(pool, near)
    return pool


def _nearest(profile: Profile, wish: Wish, only: list[int] | None) -> dict[int, float]:
    """Product id -> inner product with the user's vector; empty for a model without vectors."""
    live = profile.live
    if live is None or live.vectors is None:
        return {}
    among = [models.HasIdCondition(has_id=list(only))] if only is not None else []
    limit = NEAREST if only is None else len(only)
    if not limit:
        return {}
    vector = live.vectors.user_vector(profile.history)
    try:
        found = behaviour.nearest(vector, filter=wish.points(*among), limit=limit, version=live.version)
    except VectorStoreError:
        log.warning("No candidates from the vector store", exc_info=True)
        return {}
    return dict(found)


def neighbour_part(model: Any) -> Any:
    """The part of a model that knows which event speaks for what: itself, a blend's neighbours, or None."""
    for part in (model, getattr(model, "neighbours", None)):
        if hasattr(part, "contributions") and hasattr(part, "scores_of"):
            return part
    return None


def neighbour_rows(model: Any, history: Ids) -> Ids:
    """Rows of the strongest neighbours of the last items; of a model with neither part, the best of all."""
    part = neighbour_part(model)
    if part is not None:
        # A blend's neighbours speak for what is new to them too.
        scores: Scores = getattr(model, "spoken_of", part.scores_of)(history[-LAST:])
    elif hasattr(model, "user_vector"):
        return np.zeros(0, np.int64)
    else:
        scores = model.score([history])[0]
    best = np.argpartition(scores, -NEIGHBOURS)[-NEIGHBOURS:] if len(scores) > NEIGHBOURS else np.arange(len(scores))
    return best[scores[best] > 0]


def _place_new(pool: Pool, near: dict[int, float]) -> None:
    """Products that came after the training have a vector only: they go where their inner product stands among those
    that have both, by quantile."""
    new = [id for id in near if id not in pool.scores]
    both = [id for id in near if id in pool.scores]
    if new and not both:
        for id in new:
            pool.add(id, near[id], vector=near[id], new=True)
        return
    products = np.sort([near[id] for id in both])
    scores = np.sort([pool.scores[id] for id in both])
    for id in new:
        pool.add(id, float(np.interp(near[id], products, scores)), vector=near[id], new=True)


def by_counts(profile: Profile, wish: Wish) -> Pool:
    """Without a model: what goes with the last products in the log, and what is described like them."""
    last = list(profile.last)[-LAST:][::-1]  # the newest first
    weights = {id: RECENCY**step for step, id in enumerate(last)}
    pool = Pool()
    for anchor, found in tables.companions(last, Companions.Kind.BASKET).items():
        strongest = max(each.g_squared for each in found)
        for each in found:
            _speak(pool, each.id, anchor, "basket", weights[anchor] * each.g_squared / strongest)
    for anchor, near in _described_alike(last, wish).items():
        for id, cosine in near:
            _speak(pool, id, anchor, "content", weights[anchor] * max(cosine, 0.0))
    return pool


def _speak(pool: Pool, id: int, anchor: int, part: str, weight: float) -> None:
    pool.add(id, weight)
    told = pool.parts[id].setdefault(part, {})
    told[anchor] = round(told.get(anchor, 0.0) + weight, 4)


def _described_alike(anchors: list[int], wish: Wish) -> dict[int, list[tuple[int, float]]]:
    """Anchor -> the products whose text is nearest, with cosines: one request. Empty where the index is away."""
    if not anchors:
        return {}

    def ask(live: Any) -> Any:
        # By id: the store looks the vectors up itself. A point that is not there would fail the whole request.
        there = [int(each.id) for each in get_client().retrieve(live.name, anchors, with_payload=False)]
        requests = [models.QueryRequest(query=id, using=TEXT, filter=wish.points(), limit=LIKE_EACH) for id in there]
        return there, get_client().query_batch_points(live.name, requests) if requests else []

    try:
        there, answers = on_live(ask)
    except VectorStoreError:
        log.warning("No candidates from the index", exc_info=True)
        return {}
    return {
        anchor: [(int(point.id), float(point.score)) for point in answer.points]
        for anchor, answer in zip(there, answers, strict=True)
    }


def popular(wish: Wish) -> Pool:
    """What is wanted most lately. One query."""
    pool = Pool()
    wanted = (
        Demand.objects.filter(product__in=wish.rows().values("pk"))
        .order_by("-popularity", "pk")
        .values_list("product_id", "popularity")[:POPULAR]
    )
    for id, popularity in wanted:
        pool.add(id, popularity, popularity=round(popularity, 3))
    return pool


def newest(wish: Wish) -> Pool:
    """What came last. One query."""
    pool = Pool()
    for rank, id in enumerate(wish.rows().order_by("-published_at", "-pk").values_list("pk", flat=True)[:NEWEST]):
        pool.add(id, float(-rank), newest=rank)
    return pool
