"""Completions while somebody types: their own earlier queries, popular ones, products, categories and brands.

Nothing here reads titles: words come from the vocabulary in memory, products from the index by whole words, codes and
popular queries from the database by the beginning of an indexed column.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection
from qdrant_client import models

from catalog import selectors
from catalog.models import Brand, Category, Product, ProductCode
from catalog.text import normalise_code
from search.index.client import get_client
from search.index.errors import VectorStoreError
from search.index.live import Live, on_live
from search.index.schema import TERMS
from search.log.popular import popular
from search.query import recent
from search.query.completion import Completions, complete, next_words, texts
from search.query.names import categories_and_brands
from search.terms import fold, languages, word_terms, words

log = logging.getLogger(__name__)

SHORTEST = 2
LONGEST = 100
MOST_HISTORY, MOST_QUERIES, MOST_PRODUCTS, MOST_CATEGORIES = 3, 5, 6, 4
MOST_OWN = 5  # of a shopper's queries before anything is typed
SHORTEST_CODE = 3  # characters
CANDIDATES = 40  # products whose titles are looked at
LAST = "\U0010ffff"


@dataclass(frozen=True)
class Suggestions:
    """What may be meant by the beginning of a query, best first."""

    history: list[str] = field(default_factory=list)  # this shopper's own
    queries: list[str] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)  # with pictures loaded
    categories: list[Category] = field(default_factory=list)
    brands: list[Brand] = field(default_factory=list)


def suggest(q: str, request: Any = None) -> Suggestions:
    """Complete `q`; every word but the last is whole, the last may be the beginning of one.

    `request` is the shopper's, for what they searched for themselves. With nothing typed yet that, and what is popular.
    A fixed number of database queries and one of the index; without the index there are no products but those of codes.
    """
    typed = " ".join(q.split())[:LONGEST].strip()
    if not typed:
        own = recent.recent(request, "", MOST_OWN)
        return Suggestions(own, _others(own, [each.query for each in popular("", MOST_QUERIES)]))
    if len(typed) < SHORTEST and not any(ord(character) > 0x2E7F for character in typed):  # one such is a word
        return Suggestions()
    own = recent.recent(request, typed, MOST_HISTORY)
    completions = complete(typed)
    readings = [typed, *texts(completions, 3)] if completions.corrected else [typed]
    names = categories_and_brands()
    category_ids, brand_ids = ([id for r in readings for id in of.beginning_with(r, MOST_CATEGORIES)] for of in names)
    return Suggestions(
        own,
        _others([*own, typed], _queries(typed, completions)),
        _products(typed, completions),
        _in_order(Category, category_ids),
        _in_order(Brand, brand_ids),
    )


def _others(said: Sequence[str], queries: Sequence[str]) -> list[str]:
    """Those that are not said already."""
    known = {fold(each) for each in said}
    return [query for query in dict.fromkeys(queries) if fold(query) not in known][:MOST_QUERIES]


def _queries(typed: str, completions: Completions) -> list[str]:
    """What many searched for, then what the catalogue's words can make of it."""
    completed = list(texts(completions, MOST_QUERIES))
    asked = [
        each.query for each in popular(completed[0] if completions.corrected and completed else typed, MOST_QUERIES)
    ]
    longer = [text for each in completed[:2] for text in next_words(each, 2)]
    return [*asked, *completed[:2], *longer[:3], *completed[2:], *longer[3:]]


def _products(typed: str, completions: Completions) -> list[Product]:
    ids = _by_code(typed)
    if len(ids) < MOST_PRODUCTS:
        try:
            ids += _by_words(typed, completions)
        except VectorStoreError:
            log.warning("Products are not suggested, because the index does not answer", exc_info=True)
    return selectors.products_for_cards(list(dict.fromkeys(ids))[:MOST_PRODUCTS])


def _by_code(typed: str) -> list[int]:
    """Products one of whose codes begins as typed. Only with a digit: others are words."""
    code = normalise_code(typed)
    if len(code) < SHORTEST_CODE or not any(character.isdigit() for character in code):
        return []
    if connection.vendor == "postgresql":
        found = ProductCode.objects.filter(normalised__startswith=code)  # by the index with text_pattern_ops
    else:
        found = ProductCode.objects.filter(normalised__gte=code, normalised__lt=code + LAST)
    published = found.filter(product__status=Product.Status.PUBLISHED)
    return list(published.order_by("normalised").values_list("product_id", flat=True)[: 2 * MOST_PRODUCTS])


def _by_words(typed: str, completions: Completions) -> list[int]:
    """Products by the words before, which count fully, and by the completions of the last, by how probable they are."""
    found = completions.found
    own = settings.LANGUAGE_CODE
    weights: defaultdict[int, float] = defaultdict(float)
    best = max((each.score for each in found), default=1.0)
    parts = [(found[0].before if found else typed, 1.0), *((each.word, (each.score / best) ** 0.5) for each in found)]
    for text, weight in parts:
        for _, (terms, values) in word_terms(text, own, languages(except_=own)):
            for term, value in zip(terms, values, strict=True):
                weights[term] = max(weights[term], value * weight)
    if not weights:
        return []
    ranked = on_live(lambda live: _ask(live, weights))
    titles = dict(selectors.published_products().filter(pk__in=ranked).values_list("pk", "title"))
    asked = fold(found[0].before if found else typed).split()
    meant = [each.word for each in found] or [fold(typed).rpartition(" ")[2]]
    known = [id for id in ranked if id in titles]
    return sorted(known, key=lambda id: -_met(fold(titles[id]), asked, meant))


def _met(title: str, before: Sequence[str], completions: Sequence[str]) -> int:
    """How many of the words a title has; the order of products with as many stays the index's."""
    tokens = {word.surface for word in words(title, settings.LANGUAGE_CODE)}
    return sum(word in tokens for word in before) + any(word in tokens for word in completions)


def _ask(live: Live, weights: dict[int, float]) -> list[int]:
    terms = sorted(weights)
    vector = models.SparseVector(indices=terms, values=[weights[term] for term in terms])
    answer = get_client().query_points(live.name, query=vector, using=TERMS, limit=CANDIDATES, with_payload=False)
    return [int(point.id) for point in answer.points]


def _in_order(model: Any, ids: Sequence[int]) -> list[Any]:
    wanted = list(dict.fromkeys(ids))[:MOST_CATEGORIES]
    rows = model.objects.in_bulk(wanted)
    return [rows[id] for id in wanted if id in rows]
