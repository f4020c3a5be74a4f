"""The search: understand, retrieve, fuse, and answer with what the database says is for sale now."""

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db.models import F, Q, QuerySet
from qdrant_client import models

from catalog import selectors
from catalog.models import Product
from search import merchandising
from search.encoders.base import EncoderError
from search.index.client import get_client
from search.index.errors import VectorStoreError
from search.index.live import Live, live_collection, on_live
from search.index.schema import IMAGE, TERMS, TEXT
from search.merchandising import steering
from search.query import facets, floor, fusion, kinds, personal, ranking
from search.query.errors import BadRequest, SearchUnavailable
from search.query.filters import ATTRIBUTE_SCOPE, Conditions, has_id, resolve
from search.query.fusion import Scored
from search.query.request import MOST_PICTURES, Facet, Hit, Mode, SearchRequest, SearchResult
from search.query.retrieve import ALL, CANDIDATES, Retrieved, retrieve
from search.query.understand import Understood, understand

log = logging.getLogger(__name__)

DEEPEST = {True: CANDIDATES, False: 10_000}  # hits that can be paged to: of a search, of a browsed list
ORDERS: dict[str, tuple[Any, ...]] = {
    "price": (F("price").asc(nulls_last=True), "pk"),
    "-price": (F("price").desc(nulls_last=True), "pk"),
    "-released": (F("released").desc(nulls_last=True), "-pk"),
    "title": ("title", "pk"),
    "relevance": (F("published_at").desc(nulls_last=True), "-pk"),  # of a browsed list: what is new
}


def search(request: SearchRequest) -> SearchResult:
    """Find products by words, by a picture or by both; with neither, list what the filters leave.

    Raises BadRequest and SearchUnavailable, and nothing else for what a request or the index may do.
    """
    started = time.perf_counter()
    _check(request)
    conditions = resolve(request.filters)
    try:
        if _asks(request):
            result = _search(request, conditions)
        else:
            result = _browse(request, conditions)
    except VectorStoreError as error:
        raise SearchUnavailable(f"The search index cannot be reached at the moment: {error}") from error
    hits, total, counted, told = result
    features = told.pop("features", None)
    told = {"q": request.q.strip(), "not": request.not_q.strip(), **told}
    if conditions.unknown:
        told["unknown_filters"] = list(conditions.unknown)
    took_ms = round((time.perf_counter() - started) * 1000, 1)
    return SearchResult(hits, total, counted, took_ms, told, features)


Answer = tuple[list[Hit], int, list[Facet], dict[str, Any]]


def _asks(request: SearchRequest) -> bool:
    return bool(request.q.strip() or request.not_q.strip() or request.pictured)


def _check(request: SearchRequest) -> None:
    if len(request.images) + len(request.skus) > MOST_PICTURES:
        raise BadRequest("image" if request.images else "image_of", f"At most {MOST_PICTURES} pictures at once.")
    if len(request.crop) > len(request.images) + len(request.skus):
        raise BadRequest("crop", "There are more regions than pictures.")
    if request.page < 1 or request.page_size < 1:
        raise BadRequest("page", "Pages count from 1, and have at least one hit.")
    deepest = DEEPEST[_asks(request)]
    if request.page * request.page_size > deepest:
        raise BadRequest("page", f"Only the first {deepest} hits can be paged through; add a filter to see others.")


def _search(request: SearchRequest, conditions: Conditions) -> Answer:
    lifted = [name for name in facets.names(request.facets, request.filters) if name in conditions.points]
    outcome = merchandising.outcome_of(request)
    mode, live, understood, retrieved, found = on_live(partial(_candidates, request, conditions, lifted, outcome.pins))
    for_sale = _for_sale({scored.id for variant in found.values() for scored in variant})
    found = {name: [scored for scored in variant if scored.id in for_sale] for name, variant in found.items()}
    words = request.q.strip()
    found[ALL] = ranking.reranked(request, found[ALL], words, retrieved, understood.degraded)
    if outcome.actions:
        found = steering.steered(outcome, found, live, retrieved.pinned)
    ranked = found[ALL]
    ids = {name: [scored.id for scored in variant] for name, variant in found.items()}

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
        "mode": mode,
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
    if not ranked:
        told["message"] = "Nothing in the shop is related to this."
    told["features"] = ranking.features_of(request, ranked, order, words, retrieved)
    return hits, len(ranked), counted, told


def _candidates(
    request: SearchRequest, conditions: Conditions, lifted: Sequence[str], pinned: Sequence[int], live: Live
) -> tuple[Mode, Live, Understood, Retrieved, dict[str, list[Scored]]]:
    """The ranked products, with every filter and with each of `lifted` taken off."""
    understood = understand(request, live)
    near = None
    if understood.text is not None:
        try:
            near = floor.nearness(live.text_spec)
        except EncoderError as error:
            understood.text = None
            understood.degraded.append(f"Searched by words alone, because the text encoder failed: {error}")
    pictured = understood.pictures is not None
    likes = {product.pk for product in understood.pictures.likes} if understood.pictures else set()
    mode: Mode = "lexical" if understood.text is None and not pictured else request.mode
    words = request.q.strip()
    how = fusion.Fusion(kinds.WEIGHTS) if pictured else ranking.fusion_for(request, mode, understood.degraded)
    looks = None if pictured else ranking.looks_for(words, live, how, understood.degraded)
    retrieved = retrieve(live, understood, conditions, near=near, lifted=lifted, pinned=pinned, looks=looks)
    if understood.pictures and understood.words:
        kinds.prefer(retrieved.lists, kinds.kinds_of(live, understood.pictures))
    asked = floor.asked_weight(retrieved.best_of_word, _products_in(live)) if understood.words else 0.0
    found = {
        variant: fusion.fuse(
            lists,
            weights=how,
            exact=[id for id in understood.exact if id in retrieved.exact.get(variant, ())],
            asked=asked,
            near=near,
            # Whoever asks for more like a product has seen that one.
            without=retrieved.unwanted | likes,
            prior=ranking.prior_for(words, how) if variant == ALL else None,
        )
        for variant, lists in retrieved.lists.items()
    }
    return mode, live, understood, retrieved, found


def _personal(request: SearchRequest, ranked: list[Scored], understood: Understood) -> list[Scored]:
    """In this shopper's order, or as it is: whatever is wrong with somebody's taste, the search stands."""
    try:
        return personal.reordered(request.shopper, ranked)
    except Exception:
        log.exception("Hits could not be put into a shopper's order")
        understood.degraded.append("In the order that everybody gets, because the personal one failed.")
        return ranked


_sizes: dict[str, tuple[float, int]] = {}
SIZE_SECONDS = 30.0


def _products_in(live: Live) -> int:
    """The number of products in the index, half a minute old at most: it only sets the weight of unknown words."""
    known = _sizes.get(live.name)
    if known is None or time.monotonic() - known[0] > SIZE_SECONDS:
        known = _sizes[live.name] = time.monotonic(), get_client().count(live.name, exact=False).count
    return known[1]


def _for_sale(ids: set[int]) -> set[int]:
    """Those that are published now. The index may lag; what is gone from the database is never shown."""
    return set(selectors.published_products().filter(pk__in=ids).values_list("pk", flat=True))


def _browse(request: SearchRequest, conditions: Conditions) -> Answer:
    """A list from the database alone, which is always current; only attributes need the index."""
    degraded: list[str] = []
    live = None
    try:
        live = live_collection()
    except VectorStoreError as error:
        if conditions.attributes:
            raise
        degraded.append(f"Attributes are not counted: {error}")
    outcome = merchandising.outcome_of(request)
    hidden = steering.hidden(outcome, live)

    def rows(without: str = "") -> QuerySet[Product]:
        found = selectors.published_products().filter(conditions.filter_rows(without=(without,)))
        attributes = [name for name in conditions.attributes if name != without]
        if attributes and live:
            also = [condition for name in attributes for condition in conditions.points[name]]
            ids = _ids(live, models.Filter(must=also))
            if len(ids) >= ATTRIBUTE_SCOPE:
                degraded.append(f"Only the first {ATTRIBUTE_SCOPE} products with these attributes were looked at.")
            found = found.filter(pk__in=ids)
        if hidden:
            found = found.exclude(pk__in=hidden)
        return found.distinct() if {"tag", "in_stock"} & conditions.rows.keys() else found

    found = rows()
    page = slice((request.page - 1) * request.page_size, request.page * request.page_size)
    order: Sequence[int] = found.order_by(*ORDERS[request.sort]).values_list("pk", flat=True)
    parts: dict[int, dict[str, Any]] = {}
    if outcome.actions and request.sort == "relevance":
        within = found.filter(pk__in=outcome.pins).values_list("pk", flat=True)
        ranked = steering.listed(outcome, order[: DEEPEST[False]], live, set(within))
        order, parts = [scored.id for scored in ranked], {scored.id: explain(scored) for scored in ranked}
    order = list(order[page])
    hits = [
        Hit(product, 0.0, parts.get(product.pk, {}) if request.explain else None)
        for product in selectors.products_for_cards(order)
    ]
    counted = facets.count(
        live,
        request.facets,
        request.filters,
        rows=lambda name: Product.objects.filter(Q(pk__in=rows(name).values("pk"))),
        points=lambda name: _but(hidden, conditions.filter_points(without=(name,))),
    )
    told = {"mode": "browse", "total_is_exact": True, "degraded": list(dict.fromkeys(degraded))}
    return hits, found.count(), counted, told | outcome.told(explain=request.explain)


def _but(hidden: set[int], filter_: models.Filter) -> models.Filter:
    """The filter without these products."""
    unwanted = filter_.must_not if isinstance(filter_.must_not, list) else []
    return filter_.model_copy(update={"must_not": [*unwanted, has_id(hidden)]}) if hidden else filter_


def _ids(live: Live, filter_: models.Filter) -> list[int]:
    points, _ = get_client().scroll(
        live.name, scroll_filter=filter_, limit=ATTRIBUTE_SCOPE, with_payload=False, with_vectors=False
    )
    return [int(point.id) for point in points]


def explain(scored: Scored) -> dict[str, Any]:
    """The parts of a score: each part's own score and rank, its weight, and what it added to the whole."""
    return {name: dict(part) for name, part in sorted(scored.parts.items(), key=lambda item: _ORDER.index(item[0]))}


_ORDER = [
    "exact", TERMS, TEXT, IMAGE, kinds.KIND, *ranking.PARTS, *merchandising.PARTS, merchandising.PROMOTION,
    personal.PERSONAL,
]  # fmt: skip
__all__ = ["SearchUnavailable", "search"]
