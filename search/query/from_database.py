"""The search without its index: products by the words of their title, brand and category, from the database alone.

For as long as the vector store is away. It finds what says the words, in the shop's own language, and nothing that
means the same; filters, facets, orders, pages, codes and merchandising work as always.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from catalog import selectors
from catalog.models import Product
from search import merchandising
from search.documents import attribute_key, attribute_values
from search.index.errors import IndexMissing, VectorStoreError
from search.merchandising import steering
from search.query import facets
from search.query.asking import Asked
from search.query.browse import ORDERS, Answer
from search.query.errors import SearchUnavailable
from search.query.explanation import explain
from search.query.filters import ATTRIBUTE_PREFIX, attribute_keys
from search.query.fusion import Scored
from search.query.request import Hit
from search.terms import FIELDS, Word, fold, is_unspaced, words

LOOKED_AT = 600  # products that are read and ranked; of more, those that say most of the words in the best places
SCANNED = 10_000  # products whose attributes are read where these are filtered on
MOST_WORDS = 8
SHORTEST = 3  # letters of a word that another one may begin with
ENOUGH = 0.5  # of the words must be said
PLACES = ("title", "category__name", "brand__name")
WEIGHTS = {"title": FIELDS["title"].weight, "category": FIELDS["category"].weight, "brand": FIELDS["brand"].weight}
OTHER = 0.5  # of a word that only an attribute says


def search_rows(asked: Asked, reason: str) -> Answer:
    """Answer a request from the database. A dozen queries, whatever it finds.

    `reason` is told as what is degraded. Raises SearchUnavailable for a picture without words: nothing here can see.
    """
    asked = asked.reads(asked.interpretation.without_filters())  # words that imply a filter are words here
    request = asked.request
    q = request.q.strip()
    if request.pictured and not q:
        raise SearchUnavailable(f"Pictures cannot be searched at the moment: {reason}")
    outcome = merchandising.outcome_of(request, readings=[asked.typed, request.q])
    lookup = Lookup(asked)
    ids = lookup.ids()
    ranked = steering.listed(outcome, ids, None, lookup.within(outcome.pins)) if outcome.actions else _scored(ids)
    page = slice((request.page - 1) * request.page_size, request.page * request.page_size)
    order: Sequence[int]
    if request.sort == "relevance":
        order = [scored.id for scored in ranked[page]]
    else:
        rows = Product.objects.filter(pk__in=[scored.id for scored in ranked]).order_by(*ORDERS[request.sort])
        order = list(rows.values_list("pk", flat=True)[page])
    by_id = {scored.id: scored for scored in ranked}
    hits = [
        Hit(product, round(by_id[product.pk].score, 6), explain(by_id[product.pk]) if request.explain else None)
        for product in selectors.products_for_cards(order)
    ]
    shown = [scored.id for scored in ranked]
    counted = facets.count(
        None,
        request.facets,
        request.filters,
        rows=lambda name: Product.objects.filter(
            pk__in=lookup.ids(without=name) if name in asked.conditions.points else shown
        ),
        points=lambda name: asked.conditions.filter_points(without=(name,)),
    )
    asks = bool(q or request.not_q.strip())
    degraded = [f"Searched by the words of titles, brands and categories alone: {reason}" if asks else reason]
    if request.pictured:
        degraded.append("The pictures were left out.")
    told: dict[str, Any] = {
        "mode": "lexical" if asks else "browse",
        "from": "database",
        "exact": [hit.product.sku for hit in hits if hit.product.pk in asked.exact],
        "total_is_exact": len(ids) < LOOKED_AT,
        "degraded": degraded,
    }
    return hits, len(ranked), counted, told | outcome.told(explain=request.explain) | asked.told()


def reason_of(error: VectorStoreError) -> str:
    """A sentence for whoever asked, without addresses."""
    if isinstance(error, IndexMissing):
        return "Nothing has been indexed yet."
    return "The search index does not answer at the moment."


def _scored(ids: Sequence[int]) -> list[Scored]:
    return [Scored(id, 1 / rank) for rank, id in enumerate(ids, start=1)]


class Lookup:
    """The products that one request finds, for its hits and for each facet with its filter lifted."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._known: dict[str, list[int]] = {}
        language = settings.LANGUAGE_CODE
        found = {word.surface: word for word in words(asked.request.q, language)}
        # The database compares letters as they are: what was typed with accents is looked for with them as well.
        self._typed = {fold(typed): typed for typed in re.findall(r"\w+", asked.request.q)}
        # Stop words need not be said; where they are, so much the better: "volt" is one in Hungarian, and a brand.
        free = {*asked.interpretation.optional, *asked.interpretation.spare}
        needed = [word for surface, word in found.items() if surface not in free][:MOST_WORDS]
        self._needed = needed or list(found.values())[:MOST_WORDS]
        self._words = list(dict.fromkeys([*self._needed, *found.values()]))[:MOST_WORDS]
        unwanted = [[word] for word in words(asked.request.not_q, language)]
        unwanted += [words(phrase, language) for phrase, _ in asked.interpretation.unwanted]
        terms = {term for word in self._words for term in word.terms}
        # A word that is also asked for takes nothing away.
        self._unwanted = [
            phrase for phrase in unwanted[:MOST_WORDS] if phrase and not all(terms & {*word.terms} for word in phrase)
        ]

    def ids(self, *, without: str = "") -> list[int]:
        """Product ids, best first, at most LOOKED_AT; `without` the filter of one facet."""
        if without not in self._known:
            self._known[without] = self._found(without)
        return self._known[without]

    def within(self, ids: Sequence[int]) -> set[int]:
        """Those of the products that meet every filter."""
        if not ids:
            return set()
        rows = self._rows("").filter(pk__in=ids).values_list("pk", "attributes")
        return {pk for pk, attributes in rows if self._has(attributes, "")}

    def _rows(self, without: str) -> QuerySet[Product]:
        matching = self._asked.conditions.filter_rows(without=(without,))
        # The conditions may join a table with several rows a product.
        return selectors.published_products().filter(Q(pk__in=Product.objects.filter(matching).values("pk")))

    def _found(self, without: str) -> list[int]:
        rows = self._rows(without).order_by(F("published_at").desc(nulls_last=True), "-pk")
        there = set(rows.filter(pk__in=self._asked.exact).values_list("pk", flat=True)) if self._asked.exact else ()
        exact = [pk for pk in self._asked.exact if pk in there]
        if self._asked.request.q.strip():
            if not self._words:
                return exact
            rows = rows.filter(self._said).annotate(said=self._weight).order_by("-said", "-pk")
        most = SCANNED if any(self._attributes(without)) else LOOKED_AT
        columns = ("pk", "title", "category__name", "brand__name", "attributes")
        ranked: list[tuple[float, float, int, int]] = []
        for place, (pk, title, category, brand, attributes) in enumerate(rows.values_list(*columns)[:most]):
            if not self._has(attributes, without):
                continue
            texts = {"title": title, "category": category or "", "brand": brand or ""}
            coverage, weight = self._judge(texts, attributes)
            if coverage >= ENOUGH:
                ranked.append((-coverage, -weight, place, pk))
        return list(dict.fromkeys([*exact, *(pk for *_, pk in sorted(ranked))]))[:LOOKED_AT]

    @cached_property
    def _said(self) -> Q:
        """That any of the words may be said somewhere; `_judge` looks at the words themselves."""
        said = Q(pk__in=[])
        for word in self._needed:
            for place in PLACES:
                said |= self._holds(place, word)
        return said

    @cached_property
    def _weight(self) -> Any:
        """How many of the words are said, and where, as the database can tell."""
        total: Any = Value(0)
        for word in self._words:
            cases = [When(self._holds(place, word), then=Value(10 + 4 - rank)) for rank, place in enumerate(PLACES)]
            total = total + Case(*cases, default=Value(0), output_field=IntegerField())
        return total

    def _holds(self, place: str, word: Word) -> Q:
        holds = Q(pk__in=[])
        for part in dict.fromkeys([*_parts(word), self._typed.get(word.surface, word.surface)]):
            holds |= Q(**{f"{place}__icontains": part})
        return holds

    def _judge(self, texts: dict[str, str], attributes: dict[str, Any]) -> tuple[float, float]:
        """The share of the words that a product says, and how prominently; (0, 0) where it says an unwanted phrase."""
        language = settings.LANGUAGE_CODE
        said = {name: {term for word in words(text, language) for term in word.terms} for name, text in texts.items()}
        told = " ".join(value for _, value in attribute_values(attributes or {}))
        others = {term for word in words(told, language) for term in word.terms}
        everything = others.union(*said.values())
        if any(all(everything & {*word.terms} for word in phrase) for phrase in self._unwanted):
            return 0.0, 0.0
        if not self._words:
            return 1.0, 0.0
        weights = {}
        for word in self._words:
            terms = {*word.terms}
            places = [WEIGHTS[name] for name in said if said[name] & terms]
            weights[word.surface] = max([*places, OTHER if others & terms else 0.0])
        coverage = sum(weights[word.surface] > 0 for word in self._needed) / len(self._needed)
        # Of two that say the same, the shorter title says less else.
        return coverage, sum(weights.values()) - min(len(texts["title"].split()), 50) / 100

    def _attributes(self, without: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        for name, values in self._asked.request.filters.attributes.items():
            if values and ATTRIBUTE_PREFIX + name != without:
                yield name, values

    def _has(self, attributes: dict[str, Any], without: str) -> bool:
        """Whether a product's attributes, which lie in the index and in its row, meet the filters on them."""
        keys = {attribute_key(*pair) for pair in attribute_values(attributes or {})}
        return all(keys & {*self._keys[name]} for name, _ in self._attributes(without))

    @cached_property
    def _keys(self) -> dict[str, list[str]]:
        return {name: attribute_keys(name, values) for name, values in self._attributes("")}


def _parts(word: Word) -> list[str]:
    """What a text holds that has this word in one of its forms: "batter" of batteries."""
    if is_unspaced(word.surface):
        return list(word.terms)[:MOST_WORDS]
    same = takewhile(lambda pair: pair[0] == pair[1], zip(word.surface, word.terms[0], strict=False))
    part = "".join(letter for letter, _ in same)
    return [next((each for each in (part.rstrip("iey"), part) if len(each) >= SHORTEST), word.surface)]
