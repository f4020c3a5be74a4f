"""What a ranker sees of a hit: numbers that are at hand while a search is answered, and are logged with it.

A ranker is trained on what was logged, so each number means the same in both places: a change of meaning is a new name.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from statistics import median
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from catalog.models import Product, Variant
from search.documents import attribute_values
from search.index.schema import TERMS, TEXT
from search.query.floor import Nearness
from search.query.fusion import BEHAVIOUR, RANK_CONSTANT, Prior, Scored
from search.query.preferring import PREFERRED
from search.query.retrieve import TEXT_TO_IMAGE
from search.terms import Word, words

ABSENT = -1.0  # of a nearness: the hit is not among the nearest
DESCRIPTION_WORDS = 200  # that are looked at


@dataclass(frozen=True)
class Feature:
    """One number. `rises`: 1 where more of it may never lower a hit, -1 where it may never lift it, 0 where either."""

    name: str
    meaning: str
    rises: int = 0


FEATURES = (
    Feature("terms_coverage", "share of the weight of the query's words that the hit's words cover", 1),
    Feature("terms_rank", "61 / (60 + place) by words; 0 without one", 1),
    Feature("text_nearness", "cosine of the text: 0 may support other evidence, 1 stands alone; -1 not among them", 1),
    Feature("text_rank", "61 / (60 + place) by meaning; 0 without one", 1),
    Feature("text_to_image_rank", "61 / (60 + place) of its picture for the words; 0 without one", 1),
    Feature("behaviour", "how much it is wanted, 0 to 1", 1),
    Feature("fused_score", "score of the fusion", 1),
    Feature("fused_rank", "61 / (60 + place) by the fusion", 1),
    Feature("exact", "1 for an exact code", 1),
    Feature("preferred", "share of what the words imply, but do not insist on, that it meets", 1),
    Feature("query_words", "words of the query"),
    Feature("query_digits", "share of them with a digit"),
    Feature("title_words", "share of the query's words in the title", 1),
    Feature("title_phrase", "1 if they stand there side by side, in order", 1),
    Feature("title_place", "1 / place of the first of them in the title; 0 without one"),
    Feature("title_share", "share of the title's words that were asked for"),
    Feature("brand_words", "share of the query's words in the brand's name", 1),
    Feature("category_words", "share of them in the category's name", 1),
    Feature("attribute_words", "share of them in attributes", 1),
    Feature("description_words", "share of them in the first 200 words of the description", 1),
    Feature("all_words", "share of them anywhere of these", 1),
    Feature("title_length", "words of the title"),
    Feature("description_length", "log(1 + words) of the description"),
    Feature("attributes", "log(1 + number of attributes)"),
    Feature("price", "log(1 + price); 0 without one"),
    Feature("price_ratio", "log of the price over the median price of the hits; 0 without one"),
    Feature("reduced", "share taken off the price"),
    Feature("in_stock", "1 if it or a variant is in stock", 1),
    Feature("age", "log(1 + days) since its release, or else since it was published"),
)
NAMES = tuple(feature.name for feature in FEATURES)


@dataclass(frozen=True)
class Asked:
    """What all hits of one search share."""

    q: str
    near: Nearness | None = None
    prior: Prior | None = None
    usual_price: float | None = None  # the median of the hits, see `usual_price`
    at: datetime = field(default_factory=timezone.now)


@dataclass(frozen=True)
class _Row:
    """What is read of a product."""

    title: str
    description: str
    attributes: Mapping[str, Any]
    brand: str
    category: str
    price: float | None
    before: float | None
    in_stock: bool
    since: date | datetime | None


def features(hits: Sequence[Scored], asked: Asked) -> list[list[float]]:
    """One row of `NAMES` for each hit, finite numbers. One query, or two with a prior that the fusion did not ask."""
    rows = _read([hit.id for hit in hits])
    known = {hit.id: hit.parts[BEHAVIOUR]["score"] for hit in hits if BEHAVIOUR in hit.parts}
    wanted = known or (asked.prior([hit.id for hit in hits]) if asked.prior else {})
    query = words(asked.q, settings.LANGUAGE_CODE)
    return [
        [
            *_of_parts(hit, asked, wanted.get(hit.id, 0.0)),
            *_of_words(query, rows.get(hit.id)),
            *_of_product(rows.get(hit.id), asked.usual_price, asked.at),
        ]
        for hit in hits
    ]


def usual_price(ids: Sequence[int]) -> float | None:
    """The median price of these products; None where none has a price. One query."""
    prices = Product.objects.filter(pk__in=ids, price__gt=0).values_list("price", flat=True)
    known = [float(price) for price in prices if price is not None]
    return median(known) if known else None


def _of_parts(hit: Scored, asked: Asked, wanted: float) -> list[float]:
    text = hit.parts.get(TEXT)
    nearness = ABSENT
    if text and asked.near and asked.near.high > asked.near.low:
        nearness = (text["score"] - asked.near.low) / (asked.near.high - asked.near.low)
    return [
        min(hit.coverage, 2.0),
        _reciprocal(hit.parts.get(TERMS)),
        nearness,
        _reciprocal(text),
        _reciprocal(hit.parts.get(TEXT_TO_IMAGE)),
        wanted,
        hit.fused,
        (RANK_CONSTANT + 1) / (RANK_CONSTANT + hit.place + 1),
        float("exact" in hit.parts),
        float(hit.parts.get(PREFERRED, {}).get("score", 0.0)),
    ]


def _reciprocal(part: Mapping[str, Any] | None) -> float:
    return (RANK_CONSTANT + 1) / (RANK_CONSTANT + part["rank"]) if part else 0.0


def _of_words(query: Sequence[Word], row: _Row | None) -> list[float]:
    digits = sum(any(map(str.isdigit, word.surface)) for word in query) / len(query) if query else 0.0
    told = [float(len(query)), digits]
    if row is None or not query:
        return [*told, *[0.0] * 9, 0.0]
    own = settings.LANGUAGE_CODE
    title = words(row.title, own)
    prose = words(row.description, own)[:DESCRIPTION_WORDS] if row.description else []
    fields = [
        _terms(title),
        _terms(words(row.brand, own)),
        _terms(words(row.category, own)),
        _terms([word for _, value in attribute_values(dict(row.attributes)) for word in words(value[:100], own)]),
        _terms(prose),
    ]
    asked_for = {word.terms[0] for word in query}
    share = [_share(query, each) for each in fields]
    places = [place for place, word in enumerate(title, start=1) if not asked_for.isdisjoint(word.terms)]
    return [
        *told,
        share[0],
        float(_side_by_side([word.terms[0] for word in query], [word.terms[0] for word in title])),
        1 / places[0] if places else 0.0,
        len(places) / len(title) if title else 0.0,
        *share[1:],
        _share(query, frozenset().union(*fields)),
        float(len(title)),
    ]  # fmt: skip


def _terms(sequence: Sequence[Word]) -> frozenset[str]:
    return frozenset(term for word in sequence for term in word.terms)


def _share(query: Sequence[Word], terms: frozenset[str]) -> float:
    return sum(not terms.isdisjoint(word.terms) for word in query) / len(query)


def _side_by_side(query: Sequence[str], title: Sequence[str]) -> bool:
    wanted = list(query)
    return any(list(title[at : at + len(wanted)]) == wanted for at in range(len(title) - len(wanted) + 1))


def _of_product(row: _Row | None, usual: float | None, at: datetime) -> list[float]:
    if row is None:
        return [0.0] * 7
    price = row.price or 0.0
    return [
        math.log1p(len(row.description.split())),
        math.log1p(len(row.attributes)),
        math.log1p(price),
        math.log(price / usual) if price and usual else 0.0,
        1 - price / row.before if price and row.before and row.before > price else 0.0,
        float(row.in_stock),
        math.log1p(_days(row.since, at)),
    ]


def _days(since: date | datetime | None, at: datetime) -> float:
    if since is None:
        return 0.0
    day = since.date() if isinstance(since, datetime) else since
    return float(max((at.date() - day).days, 0))


_COLUMNS = ("pk", "title", "description", "attributes", "brand__name", "category__name", "price", "compare_at_price",
            "stock", "in_variants", "released", "published_at")  # fmt: skip


def _read(ids: Sequence[int]) -> dict[int, _Row]:
    in_variants = Exists(Variant.objects.filter(product=OuterRef("pk"), stock__gt=0))
    found = Product.objects.filter(pk__in=ids).annotate(in_variants=in_variants).values_list(*_COLUMNS)
    return {
        pk: _Row(
            title, description, attributes if isinstance(attributes, dict) else {}, brand or "", category or "",
            None if price is None else float(price), None if before is None else float(before),
            stock > 0 or variants, released or published,
        )
        for pk, title, description, attributes, brand, category, price, before, stock, variants, released, published
        in found
    }  # fmt: skip
