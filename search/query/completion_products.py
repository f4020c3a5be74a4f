"""Products whose code begins as typed, or that have the words which what was typed may become."""

import logging
from collections import defaultdict
from collections.abc import Sequence

from django.conf import settings
from django.db import connection
from qdrant_client import models

from catalog import selectors
from catalog.models import Product, ProductCode
from catalog.text import normalise_code
from search.index.client import get_client, within
from search.index.errors import VectorStoreError
from search.index.live import Live, on_live
from search.index.schema import TERMS
from search.query.completion import Completions
from search.terms import fold, languages, word_terms, words

log = logging.getLogger(__name__)

MOST_PRODUCTS = 6
SHORTEST_CODE = 3  # characters
MOST_CODES = 60  # that begin as typed are looked at
CANDIDATES = 30  # products whose titles are looked at
LAST = "\U0010ffff"


def products(typed: str, completions: Completions) -> list[Product]:
    """At most MOST_PRODUCTS, those first that a code names; with what cards show. Without the index, by codes alone."""
    ids = _by_code(typed)
    if len(ids) < MOST_PRODUCTS:
        try:
            with within(settings.QDRANT_SHOPPER_SECONDS):
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
    # Asked for together with the status, SQLite begins with all published products, which are far more.
    ids = list(dict.fromkeys(found.order_by("normalised").values_list("product_id", flat=True)[:MOST_CODES]))
    published = set(selectors.published_products().filter(pk__in=ids).values_list("pk", flat=True))
    return [id for id in ids if id in published][: 2 * MOST_PRODUCTS]


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
    met = {id: _met(titles[id], asked, meant) for id in ranked if id in titles}
    most = max(met.values(), default=0)
    return [id for id, number in met.items() if number == most]


def _met(title: str, before: Sequence[str], completions: Sequence[str]) -> int:
    """How many of the words a title has. Products that have fewer than others are nobody's next word."""
    tokens = {word.surface for word in words(title, settings.LANGUAGE_CODE)}
    return sum(word in tokens for word in before) + any(word in tokens for word in completions)


def _ask(live: Live, weights: dict[int, float]) -> list[int]:
    terms = sorted(weights)
    vector = models.SparseVector(indices=terms, values=[weights[term] for term in terms])
    answer = get_client().query_points(live.name, query=vector, using=TERMS, limit=CANDIDATES, with_payload=False)
    return [int(point.id) for point in answer.points]
