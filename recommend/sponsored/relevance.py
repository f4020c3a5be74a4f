"""How relevant products are here and now, from 0 to 1: to the words searched for, to what is looked at, to the shopper.

Nearness in a vector space means something only against the noise of that space, which differs by encoder, by shop and
by vector: so it is counted in standard deviations above the products of a sample of the shop, as median and median
absolute deviation, which a few related ones among them do not move. At FULL of them the relevance is 1; at none, where
a product picked blindly stands, it is 0. The same scale serves text, pictures and behaviour.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from django.core.cache import cache
from numpy.typing import ArrayLike
from qdrant_client import models

from catalog.models import Product
from catalog.selectors import published_products
from recommend.serving.profile import Profile
from recommend.surfaces.base import Ask
from recommend.training import behaviour
from search import query
from search.index.client import get_client
from search.index.live import Live, on_live
from search.index.schema import IMAGE, TEXT
from search.query.filters import has_id
from search.query.request import SearchRequest

FULL = 6.0
NARROWEST = 0.02  # of a standard deviation: a shop of equal products has no noise to divide by
NORMAL = 1.4826  # times the median absolute deviation is the standard deviation of a normal distribution
SAMPLE = 128
SAMPLE_SECONDS = 600
HITS = 60  # of a search that count: at rank 60 of every list the score is half of the best one's
RECENT = 5  # things of a history that a shopper without a behaviour vector is measured by
IN_CATEGORY = 0.5  # what standing in the category of the page is worth; the shopper's taste makes up the rest


@dataclass(frozen=True)
class Relevant:
    """How relevant a product is, and the reason, which goes on a sentence that names the product."""

    score: float  # 0 to 1
    because: str
    by: str  # "search", "product", "history", "taste" or "category"


def relevant_to(ask: Ask, profile: Profile, candidates: Collection[int]) -> dict[int, Relevant]:
    """Product id -> relevance, for those of `candidates` that have any. Nothing for a stranger without a context.

    Words count before the product looked at, that before the shopper's own history, and that within the category of the
    page. Raises VectorStoreError, and SearchUnavailable for words.
    """
    if ask.q.strip():
        return _to_words(ask, candidates)
    if ask.anchors:
        return _to_products(ask.anchors, candidates, "much like {}", "product")
    taste = _to_history(profile, candidates)
    if ask.category is None:
        return taste
    nowhere = Relevant(0.0, f"in {ask.category.name}", "category")
    found = {id: taste.get(id, nowhere) for id in candidates}
    return {
        id: Relevant(IN_CATEGORY + (1 - IN_CATEGORY) * each.score, each.because, each.by) for id, each in found.items()
    }


def _to_words(ask: Ask, candidates: Collection[int]) -> dict[int, Relevant]:
    """What the search finds has passed its floor; here it counts as its share of the best hit's score."""
    filters = replace(ask.filters, category=ask.category.slug) if ask.category else ask.filters
    found = query.search(SearchRequest(q=ask.q, filters=filters, facets=(), page_size=HITS))
    if found.query.get("from") == "database":
        return {}  # nobody is charged for what was found without the index
    best = max((hit.score for hit in found.hits), default=0.0)
    words = f"found for “{ask.q.strip()}”"
    return {
        hit.product.pk: Relevant(min(hit.score / best, 1.0), words, "search")
        for hit in found.hits
        if hit.product.pk in candidates
    }


def _to_history(profile: Profile, candidates: Collection[int]) -> dict[int, Relevant]:
    if not profile.past.seen:
        return {}
    taste = _to_behaviour(profile, candidates)
    if taste is not None:
        return {id: Relevant(score, "close to what you have been looking at", "taste") for id, score in taste.items()}
    products = published_products().filter(pk__in=list(profile.last)[-RECENT:])
    return _to_products(list(products), candidates, "much like {} from your history", "history")


def _to_behaviour(profile: Profile, candidates: Collection[int]) -> dict[int, float] | None:
    """By the live model's vector of the shopper; None where no model is live, or it has no vectors."""
    live = profile.live
    if live is None or live.vectors is None or not len(profile.history):
        return None
    vector = live.vectors.user_vector(profile.history)
    sample = np.random.default_rng(live.version).choice(len(live.items), min(SAMPLE, len(live.items)), replace=False)
    noise = live.item_vectors[sample] @ vector
    only = models.Filter(must=[has_id(candidates)])
    near = behaviour.nearest(vector, filter=only, limit=len(candidates), version=live.version)
    return dict(zip((id for id, _ in near), above(noise, [score for _, score in near]), strict=True))


def _to_products(
    products: Sequence[Product], candidates: Collection[int], because: str, by: str
) -> dict[int, Relevant]:
    """By text and pictures to the nearest of several products; the mean of both where both have pictures."""
    titles = {product.pk: product.title for product in products}
    scores = on_live(partial(_near, list(titles), list(candidates)))
    found: dict[int, Relevant] = {}
    for anchor, of_anchor in scores.items():
        for id, score in of_anchor.items():
            if id not in found or score > found[id].score:
                found[id] = Relevant(score, because.format(titles[anchor]), by)
    return found


def _near(anchors: list[int], candidates: list[int], live: Live) -> dict[int, dict[int, float]]:
    """Anchor -> candidate -> relevance. Two requests to the store, whatever their number."""
    stored = get_client().retrieve(live.name, anchors, with_payload=False, with_vectors=[TEXT, IMAGE])
    vectors = {int(point.id): point.vector for point in stored if isinstance(point.vector, Mapping)}
    asked = [(anchor, name) for anchor, of in vectors.items() for name in (TEXT, IMAGE) if of.get(name)]
    sample = _sample()
    requests = [
        models.QueryRequest(
            query=vectors[anchor][name],
            using=name,
            filter=models.Filter(must=[has_id(ids)], must_not=[has_id([anchor])]),
            limit=len(ids),  # all of them: who is far by one vector counts so, and is not left out of the mean
        )
        for anchor, name in asked
        for ids in (candidates, sample)
    ]
    answers = get_client().query_batch_points(live.name, requests) if requests else []
    parts: dict[int, dict[int, list[float]]] = {anchor: {} for anchor in vectors}
    for (anchor, _), near, blind in zip(asked, answers[::2], answers[1::2], strict=True):
        scores = above([point.score for point in blind.points], [point.score for point in near.points])
        for point, score in zip(near.points, scores, strict=True):
            parts[anchor].setdefault(int(point.id), []).append(score)
    return {anchor: {id: float(np.mean(each)) for id, each in of.items()} for anchor, of in parts.items()}


def _sample() -> list[int]:
    """Ids of products picked blindly, which need not be new for each request."""
    ids: list[int] | None = cache.get("sponsored:sample")
    if ids is None:
        ids = list(published_products().order_by("?").values_list("pk", flat=True)[:SAMPLE])
        cache.set("sponsored:sample", ids, SAMPLE_SECONDS)
    return ids


def above(noise: ArrayLike, scores: ArrayLike) -> list[float]:
    """Return each score's relevance: how many standard deviations it is above the noise, FULL of them as 1."""
    blind, found = np.asarray(noise, np.float64), np.asarray(scores, np.float64)
    if not blind.size:
        return [0.0] * found.size
    middle = np.median(blind)
    deviation = max(NORMAL * float(np.median(np.abs(blind - middle))), NARROWEST)
    relevance: list[float] = np.clip((found - middle) / (FULL * deviation), 0.0, 1.0).tolist()
    return relevance
