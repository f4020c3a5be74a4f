"""A list of what the filters leave, from the database alone, which is current; only attributes need the index."""

from typing import Any

from django.db.models import F, Q, QuerySet
from qdrant_client import models

from catalog import selectors
from catalog.models import Product
from search import merchandising
from search.index.client import get_client
from search.index.errors import VectorStoreError
from search.index.live import Live, live_collection
from search.merchandising import steering
from search.query import facets
from search.query.explanation import explain
from search.query.filters import ATTRIBUTE_SCOPE, Conditions, has_id
from search.query.request import Facet, Hit, SearchRequest
from search.query.retrieve import CANDIDATES

DEEPEST = {True: CANDIDATES, False: 10_000}  # hits that can be paged to: of a search, of a browsed list
ORDERS: dict[str, tuple[Any, ...]] = {
    "price": (F("price").asc(nulls_last=True), "pk"),
    "-price": (F("price").desc(nulls_last=True), "pk"),
    "-released": (F("released").desc(nulls_last=True), "-pk"),
    "title": ("title", "pk"),
    "relevance": (F("published_at").desc(nulls_last=True), "-pk"),  # of a browsed list: what is new
}


Answer = tuple[list[Hit], int, list[Facet], dict[str, Any]]


def browse(request: SearchRequest, conditions: Conditions) -> Answer:
    """Raises VectorStoreError where attributes are filtered on and the index does not answer."""
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
    order: Any = found.order_by(*ORDERS[request.sort]).values_list("pk", flat=True)
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
