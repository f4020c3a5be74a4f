"""Learns from the published products what phrases name: brands, categories, stores, tags, values of attributes.

Two readings of the catalogue. The first counts which phrases name which values; the second holds the titles against
that: a phrase that stands in titles of products which have none of its values is a word like others, and is trusted
accordingly ("orange" beside juice, "apple" on cases for phones).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from catalog import selectors
from catalog.models import Category, Product
from search.documents import attribute_values
from search.language.phrases import ATTRIBUTE, LONGEST, key_of, longest_first, stem_of
from search.models import FacetCoverage, Phrase, Revision
from search.models.vocabulary import Vocabulary
from search.terms import base_language, words

LONGEST_VALUE = 40  # characters; what is longer is prose
MOST_VALUES = 40  # of one facet that a phrase stands for: "black" also stands for "black, white"
MOST_PHRASES = 60_000  # the most frequent are kept
RARE = 5000  # a value of an attribute has to be had by one product more for every so many
READ_AT_ONCE = 2000
WORTH_KNOWING = 0.5  # lower coverages decide nothing and are not kept
MOST_CATEGORIES = 2000  # whose coverages are kept, the largest first
REVISION, VERSION = "phrases", 1  # another version of the rules below learns again from an unchanged catalogue
# A value that lists several ("black, silver", "Games & puzzles") stands for each; a brand's or a store's name does not.
_PARTS = re.compile(r"\s*[,;/|]\s*")
_PARTS_OF_CATEGORY = re.compile(r"\s*[,;/|&+]\s*")
_WHOLE = re.compile(r"(?!)")
_NO_PHRASE = re.compile(r"[\W\d_]*|yes|no", re.IGNORECASE)

Key = tuple[str, str]  # (language, the phrase's key)
Value = tuple[str, str, str]  # (facet, what its filter takes, label)


class _Row(NamedTuple):
    title: str
    line: tuple[str, ...]  # slugs of the categories from the root
    values: list[tuple[Value, frozenset[Key]]]  # each value with the phrases that name it


def refresh() -> int | None:
    """Learn again where the catalogue's words have changed since; returns the number of phrases, if it did."""
    newest = Vocabulary.objects.order_by("-id").values_list("sha256", flat=True).first()
    token = f"{VERSION} {newest}"[:32]
    if newest is None or Revision.objects.filter(name=REVISION, token=token).exists():
        return None
    learned = learn()
    Revision.objects.update_or_create(name=REVISION, defaults={"token": token})
    return learned


def learn() -> int:
    """Read the catalogue and write the tables anew, in one transaction; returns the number of phrases."""
    counted = _count()
    trust = _compare(counted)
    phrases = [
        Phrase(
            language=key[0], key=key[1], facet=facet, products=number, trust=trust.get(key, 1.0),
            values=[value for (value, _), _ in counted.values[key, facet].most_common(MOST_VALUES)],
            label=counted.values[key, facet].most_common(1)[0][0][1][:200],
        )
        for (key, facet), number in counted.kept()
    ]  # fmt: skip
    with transaction.atomic():
        Phrase.objects.all().delete()
        FacetCoverage.objects.all().delete()
        Phrase.objects.bulk_create(phrases, batch_size=1000)
        FacetCoverage.objects.bulk_create(counted.coverages(), batch_size=1000)
    return len(phrases)


class _Counts:
    def __init__(self) -> None:
        self.products = 0
        self.meanings: Counter[tuple[Key, str]] = Counter()  # products by phrase and facet
        self.values: defaultdict[tuple[Key, str], Counter[tuple[str, str]]] = defaultdict(Counter)
        self.in_category: Counter[str] = Counter()
        self.with_facet: Counter[tuple[str, str]] = Counter()

    def add(self, row: _Row) -> None:
        self.products += 1
        meanings = set()
        for (facet, value, label), keys in row.values:
            for key in keys:
                meanings.add((key, facet))
                self.values[key, facet][value, label] += 1
        self.meanings.update(meanings)
        scopes = ("", *row.line)
        self.in_category.update(scopes)
        facets = {facet for (facet, _, _), _ in row.values}
        self.with_facet.update((scope, facet) for scope in scopes for facet in facets)

    def kept(self) -> list[tuple[tuple[Key, str], int]]:
        fewest = 1 + self.products // RARE
        return [
            each for each in self.meanings.most_common(MOST_PHRASES)
            if each[1] >= fewest or not each[0][1].startswith(ATTRIBUTE)
        ]  # fmt: skip

    def coverages(self) -> list[FacetCoverage]:
        scopes = {slug for slug, _ in self.in_category.most_common(MOST_CATEGORIES + 1)}
        return [
            FacetCoverage(category=scope, facet=facet, share=number / self.in_category[scope])
            for (scope, facet), number in self.with_facet.items()
            if scope in scopes and number >= WORTH_KNOWING * self.in_category[scope] and len(facet) <= 200
        ]


def _count() -> _Counts:
    counts = _Counts()
    for row in _rows():
        counts.add(row)
    return counts


def _compare(counts: _Counts) -> dict[Key, float]:
    """Phrase -> of the titles that hold it, the share whose products have one of its values; where any title does."""
    own = base_language(settings.LANGUAGE_CODE)
    known = {phrase for ((language, phrase), _), _ in counts.kept() if language == own}
    shown: Counter[Key] = Counter()
    agreed: Counter[Key] = Counter()
    for row in _rows():
        stems = [stem_of(word) for word in words(row.title, own)]
        held = {(own, " ".join(stems[start:end])) for start, end in longest_first(stems, known)}
        shown.update(held)
        agreed.update(held & {key for _, keys in row.values for key in keys})
    return {key: agreed[key] / number for key, number in shown.items()}


def _rows() -> Iterator[_Row]:
    """Every published product, in bounded memory but for the names of categories, brands and stores."""
    own = base_language(settings.LANGUAGE_CODE)
    lines = _category_lines(own)
    tags = _tags(own)
    named: dict[tuple[str, str, str], frozenset[Key]] = {}

    def keys_of(facet: str, value: str, label: str) -> frozenset[Key]:
        if (facet, value, label) not in named:
            if len(named) > 200_000:
                named.clear()
            parts = _PARTS if facet.startswith(ATTRIBUTE) else _WHOLE
            named[facet, value, label] = frozenset(_keys(label, own, parts))
        return named[facet, value, label]

    products = selectors.published_products().order_by("pk").values_list(
        "pk", "title", "attributes", "brand__slug", "brand__name", "store__slug", "store__name", "category__path"
    )  # fmt: skip
    for pk, title, attributes, brand, brand_name, store, store_name, path in products.iterator(READ_AT_ONCE):
        line, values = lines.get(path, ((), []))
        values = list(values)
        for facet, slug, name in (("brand", brand, brand_name), ("store", store, store_name)):
            if slug:
                values.append(((facet, slug, name), keys_of(facet, slug, name)))
        values += tags.get(pk, [])
        for name, value in attribute_values(attributes):
            facet = ATTRIBUTE + name
            keys = keys_of(facet, value, value) if len(value) <= LONGEST_VALUE else frozenset()
            values.append(((facet, value, value), keys))
        yield _Row(title, line, values)


def _keys(name: str, language: str, parts: re.Pattern[str] = _WHOLE) -> Iterator[Key]:
    """The phrases that name a value: all of it, and each part of a list. Numbers and "yes" say nothing alone."""
    for text in {name, *parts.split(name)}:
        if not _NO_PHRASE.fullmatch(text):
            key = key_of(text, language)
            if key and len(key) <= 200 and key.count(" ") < LONGEST:
                yield language, key


def _category_lines(own: str) -> dict[str, tuple[tuple[str, ...], list[tuple[Value, frozenset[Key]]]]]:
    """Path -> the slugs down to it, and each category of the line with the phrases that name it in any language."""
    step = Category.steplen
    nodes: dict[str, tuple[Value, frozenset[Key]]] = {}
    for category in Category.objects.order_by("path").iterator():
        keys = set(_keys(category.name, own, _PARTS_OF_CATEGORY))
        for language, texts in category.translations.items():
            if isinstance(texts, dict) and isinstance(name := texts.get("name"), str):
                keys.update(_keys(name, base_language(language), _PARTS_OF_CATEGORY))
        nodes[category.path] = ("category", category.slug, category.name), frozenset(keys)
    lines = {}
    for path in nodes:
        line = [nodes[path[:end]] for end in range(step, len(path) + 1, step) if path[:end] in nodes]
        lines[path] = tuple(value[1] for value, _ in line), line
    return lines


def _tags(own: str) -> dict[int, list[tuple[Value, frozenset[Key]]]]:
    found: dict[int, list[tuple[Value, frozenset[Key]]]] = {}
    rows = Product.tags.through.objects.values_list("product_id", "tag__slug", "tag__name")
    for product, slug, name in rows.iterator():
        found.setdefault(product, []).append((("tag", slug, name), frozenset(_keys(name, own))))
    return found
