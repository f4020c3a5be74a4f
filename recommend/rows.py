"""Rows of recommendations, which a product's page loads after itself."""

import logging

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.selectors import published_products
from recommend.surfaces import SURFACES, Ask
from search.index.errors import VectorStoreError
from search.shop.cards import make_cards

log = logging.getLogger(__name__)

LENGTH = 12
TITLES = {"similar": "You may also like", "visually-similar": "Looks like it"}


@require_safe
def row(request: HttpRequest, surface: str, sku: str) -> HttpResponse:
    """One row as HTML; empty where there is nothing to recommend or nobody to ask: the page stands without it."""
    recommend = SURFACES.get(surface)
    product = published_products().select_related("category", "brand").filter(sku=sku).first()
    if recommend is None or product is None:
        raise Http404("There is no such row.")
    try:
        found = recommend(Ask(None, product=product, limit=LENGTH)).hits
    except VectorStoreError:
        log.exception("No row %s for %s", surface, sku)
        found = []
    cards = make_cards(
        [each.product for each in found if each.product],
        reasons={each.product.pk: each.reason for each in found if each.product},
    )
    context = {"cards": cards, "surface": surface, "title": TITLES.get(surface, surface)}
    response = render(request, "recommend/row.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response
