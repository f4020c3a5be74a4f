"""Completions while somebody types: their own earlier queries, popular ones, products, categories and brands.

Nothing here reads titles: words come from the vocabulary in memory, products from the index by whole words, codes and
popular queries from the database by the beginning of an indexed column.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.models import Brand, Category, Product
from search.log.popular import popular
from search.query import recent
from search.query.completion import Completions, complete, next_words, texts
from search.query.completion_products import products
from search.query.names import categories_and_brands
from search.terms import fold

SHORTEST = 2
LONGEST = 100
MOST_HISTORY, MOST_QUERIES, MOST_CATEGORIES = 3, 5, 4
MOST_OWN = 5  # of a shopper's queries before anything is typed


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
    typed = " ".join(q.replace("\0", " ").split())[:LONGEST].strip()  # PostgreSQL takes no text with a NUL in it
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
        products(typed, completions),
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


def _in_order(model: Any, ids: Sequence[int]) -> list[Any]:
    wanted = list(dict.fromkeys(ids))[:MOST_CATEGORIES]
    rows = model.objects.in_bulk(wanted)
    return [rows[id] for id in wanted if id in rows]
