"""The search: read the words, retrieve, fuse, rank, and answer with what the database says is for sale now."""

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from qdrant_client import models

from catalog import selectors
from catalog.models import Product
from search import merchandising, metrics
from search.index.client import within
from search.index.errors import VectorStoreError
from search.index.live import on_live
from search.merchandising import steering
from search.merchandising.outcome import Outcome
from search.query import asking, facets, from_database, personal, ranking, relax
from search.query.asking import Asked
from search.query.browse import DEEPEST, ORDERS, Answer, browse
from search.query.candidates import Candidates, candidates
from search.query.errors import BadRequest, SearchUnavailable
from search.query.explanation import explain
from search.query.filters import has_id
from search.query.fusion import Scored
from search.query.relax import Relaxed
from search.query.request import MOST_PICTURES, Hit, SearchRequest, SearchResult
from search.query.retrieve import ALL, CANDIDATES
from search.query.understand import Understood

log = logging.getLogger(__name__)


def search(request: SearchRequest) -> SearchResult:
    """Find products by words, by a picture or by both; with neither, list what the filters leave.

    Raises BadRequest and SearchUnavailable, and nothing else for what a request or the index may do.
    """
    started = time.perf_counter()
    request = request.configured()
    _check(request)
    asked = asking.read(request)
    try:
        result = _answer(request, asked)
    except SearchUnavailable:
        metrics.SEARCHES.labels("unavailable").inc()
        raise
    hits, total, counted, told = result
    features = told.pop("features", None)
    metrics.searched(hits=total, degraded=bool(told.get("degraded")))
    told = {"q": request.q.strip(), "not": request.not_q.strip(), **told}
    if asked.own.unknown:
        told["unknown_filters"] = list(asked.own.unknown)
    took_ms = round((time.perf_counter() - started) * 1000, 1)
    return SearchResult(hits, total, counted, took_ms, told, features)


def _answer(request: SearchRequest, asked: Asked) -> Answer:
    """From the index; where that is away, as well as the database alone can."""
    try:
        with within(settings.QDRANT_SHOPPER_SECONDS):
            return _search(request, asked) if asks(asked.request) else _listed(asked)
    except VectorStoreError as error:
        log.warning("A search is answered from the database: %s", error)
        return from_database.search_rows(asked, from_database.reason_of(error))


def asks(request: SearchRequest) -> bool:
    """Whether anything is searched for, and not only listed."""
    return bool(request.q.strip() or request.not_q.strip() or request.pictured)


def _check(request: SearchRequest) -> None:
    if len(request.images) + len(request.skus) > MOST_PICTURES:
        raise BadRequest("image" if request.images else "image_of", f"At most {MOST_PICTURES} pictures at once.")
    if len(request.crop) > len(request.images) + len(request.skus):
        raise BadRequest("crop", "There are more regions than pictures.")
    if request.page < 1 or request.page_size < 1:
        raise BadRequest("page", "Pages count from 1, and have at least one hit.")
    deepest = DEEPEST[asks(request)]
    if request.page * request.page_size > deepest:
        raise BadRequest("page", f"Only the first {deepest} hits can be paged through; add a filter to see others.")


@metrics.stage("rank")
def _search(request: SearchRequest, asked: Asked) -> Answer:
    outcome = merchandising.outcome_of(request, readings=[asked.typed, asked.request.q])
    found, relaxed = _found(asked, outcome)
    asked = found.asked
    live, understood, retrieved, words = found.live, found.understood, found.retrieved, asked.request.q
    variants = found.variants
    variants[ALL] = ranking.reranked(request, variants[ALL], words, retrieved, understood.degraded)
    if outcome.actions:
        variants = steering.steered(outcome, variants, live, retrieved.pinned)
    ranked = variants[ALL]
    ids = {name: [scored.id for scored in variant] for name, variant in variants.items()}

    page = slice((request.page - 1) * request.page_size, request.page * request.page_size)
    if request.sort == "relevance":
        ranked = merchandising.around_pins(ranked, merchandising.lifted)
        if request.personal:
            ranked = merchandising.around_pins(ranked, lambda loose: _personal(request, loose, understood))
        order: Sequence[int] = [scored.id for scored in ranked[page]]
    else:
        rows = Product.objects.filter(pk__in=ids[ALL]).order_by(*ORDERS[request.sort])
        order = list(rows.values_list("pk", flat=True)[page])
    by_id = {scored.id: scored for scored in ranked}
    with metrics.stage("hydrate"):
        hits = [
            Hit(product, round(by_id[product.pk].score, 6), explain(by_id[product.pk]) if request.explain else None)
            for product in selectors.products_for_cards(order)
        ]
        counted = facets.count(
            live,
            request.facets,
            request.filters,
            rows=lambda name: Product.objects.filter(pk__in=ids.get(name, ids[ALL])),
            points=lambda name: models.Filter(must=[has_id(ids.get(name, ids[ALL]))]),
        )  # fmt: skip
    likes = understood.pictures.likes if understood.pictures else []
    told: dict[str, Any] = {
        "mode": found.mode,
        "exact": [hit.product.sku for hit in hits if "exact" in by_id[hit.product.pk].parts],
        "unknown_words": [word for word, best in retrieved.best_of_word.items() if not best],
        "total_is_exact": all(len(ranked) < CANDIDATES for ranked in retrieved.lists[ALL].values()),
        "degraded": understood.degraded,
    }
    if any(personal.PERSONAL in scored.parts for scored in ranked):
        told["personal"] = True
    if understood.synonyms:
        told["synonyms"] = understood.synonyms
    told |= outcome.told(explain=request.explain)
    if likes:
        told["image_of"] = [product.sku for product in likes] if len(likes) > 1 else likes[0].sku
    told |= asked.told()
    if relaxed:
        told["relaxed"] = [relaxed.told()]
    if not ranked:
        told["message"] = relax.nothing(asked, retrieved.best_of_word)
    told["features"] = ranking.features_of(request, ranked, order, words, retrieved)
    return hits, len(ranked), counted, told


def _listed(asked: Asked) -> Answer:
    """What the filters leave, where nothing is left to search for: "under 50"."""
    hits, total, counted, told = browse(asked.request, asked.conditions)
    return hits, total, counted, told | asked.told()


def _found(asked: Asked, outcome: Outcome) -> tuple[Candidates, Relaxed | None]:
    """What is for sale of the candidates; where that is nothing, of the first easier reading that finds any."""
    found = _for_sale(asked, outcome)
    if found.variants[ALL] or outcome.pins or not ranking.configuration_of(asked.request).relaxation:
        return found, None
    for easier, relaxed in relax.steps(asked, found.retrieved.best_of_word, settings.LANGUAGE_CODE):
        other = _for_sale(easier, outcome)
        if other.variants[ALL]:
            return other, relaxed
        if relaxed is None:  # the words as they were typed: what then finds nothing is told of them
            found = other
    return found, None


def _for_sale(asked: Asked, outcome: Outcome) -> Candidates:
    """Candidates that are published now. The index may lag; what is gone from the database is never shown."""
    own = facets.names(asked.request.facets, asked.request.filters)
    lifted = [name for name in own if name in asked.conditions.points]
    found = on_live(partial(candidates, asked, lifted, outcome.pins))
    ids = {scored.id for variant in found.variants.values() for scored in variant}
    for_sale = set(selectors.published_products().filter(pk__in=ids).values_list("pk", flat=True))
    found.variants = {
        name: [scored for scored in variant if scored.id in for_sale] for name, variant in found.variants.items()
    }
    return found


def _personal(request: SearchRequest, ranked: list[Scored], understood: Understood) -> list[Scored]:
    """In this shopper's order, or as it is: whatever is wrong with somebody's taste, the search stands."""
    try:
        return personal.reordered(request.shopper, ranked, request.configuration)
    except Exception:
        log.exception("Hits could not be put into a shopper's order")
        understood.degraded.append("In the order that everybody gets, because the personal one failed.")
        return ranked


__all__ = ["DEEPEST", "SearchUnavailable", "search"]
