"""Counts the words of the catalogue, in one pass over the published products and in bounded memory.

Where a catalogue has more different words than are held, the rarest are dropped on the way ("lossy counting", Manku and
Motwani, "Approximate frequency counts over data streams", VLDB 2002): what is lost was rare.
"""

import hashlib
import re
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count as RowCount
from django.db.models import Max
from django.db.models.functions import Substr
from django.utils import timezone

from catalog.models import Brand, Category, Product, ProductCode
from search.documents import DESCRIPTION_CHARACTERS, KIND_ATTRIBUTES, MAX_ATTRIBUTE_VALUE, attribute_values
from search.encoders.base import EncoderError
from search.encoders.registry import current_spec, encoder_for
from search.language import vocabulary
from search.language.vocabulary import ATTRIBUTE, BRAND, CATEGORY, CODE, DESCRIPTION, TITLE, WINDOW, Count, Words
from search.models.vocabulary import Vocabulary
from search.terms import base_language, fold, words

READ_AT_ONCE = 2000  # rows
HELD_WORDS, HELD_PAIRS = 2_000_000, 2_000_000  # while counting, over all languages
KEPT_WORDS, KEPT_PAIRS = 400_000, 200_000  # of each language
KEPT_FOLLOWERS = 50  # of each word
FEWEST_PAIRS = 2  # products; once is chance
LONGEST_WORD = 40
SHORTEST_GENERAL = 3  # letters; an encoder's shorter tokens are mostly beginnings of words
# Counting takes at most this share of the time, however large the catalogue is.
SHARE_OF_TIME = 0.05

_CLAUSES = re.compile(r"[,;:()\[\]|•/™®©℠]+|\s-\s")  # words on either side do not stand side by side
_ACCENTED = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NOT_LETTERS = re.compile(r"[-./+&'’]")


@dataclass
class _Tally:
    """Counts of one language while they are made."""

    documents: Counter[str] = field(default_factory=Counter)
    headlines: Counter[str] = field(default_factory=Counter)
    kinds: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    near: Counter[tuple[str, str]] = field(default_factory=Counter)
    shown: dict[str, str] = field(default_factory=dict)

    def prune(self, words_floor: int, pairs_floor: int) -> None:
        for word in [word for word, count in self.documents.items() if count <= words_floor]:
            del self.documents[word]
            self.headlines.pop(word, None)
            self.kinds.pop(word, None)
        for pairs in (self.pairs, self.near):
            for pair in [pair for pair, count in pairs.items() if count <= pairs_floor]:
                del pairs[pair]

    def add(self, texts: Iterable[tuple[str, int, bool]], language: str, times: int = 1) -> None:
        """Count one product's texts in this language: (text, kind, whether it says what the product is)."""
        kinds: dict[str, int] = {}
        headline: set[str] = set()
        pairs: set[tuple[str, str]] = set()
        near: set[tuple[str, str]] = set()
        for text, kind, heads in texts:
            if not text.isascii():
                self._remember_accents(text)
            whole: list[str] = []
            for clause in _CLAUSES.split(text):
                found = [word.surface for word in words(clause, language) if len(word.surface) <= LONGEST_WORD]
                every = [*found, *(part for surface in found for part in _parts(surface))]
                for word in every:
                    kinds[word] = kinds.get(word, 0) | kind
                if heads:
                    headline.update(every)
                    pairs.update(pairwise(found))
                    whole += (word for word in found if word.isalpha())
            near.update(
                (min(one, other), max(one, other))
                for place, one in enumerate(whole)
                for other in whole[place + 1 : place + 1 + WINDOW]
                if one != other
            )
        for word, bits in kinds.items():
            self.documents[word] += times
            self.kinds[word] |= bits
        for word in headline:
            self.headlines[word] += times
        for pair in pairs:
            self.pairs[pair] += times
        for pair in near:
            self.near[pair] += times

    def _remember_accents(self, text: str) -> None:
        for raw in _ACCENTED.findall(unicodedata.normalize("NFC", text).lower()):
            if not raw.isascii() and (folded := fold(raw)) != raw:
                self.shown.setdefault(folded, raw)

    def words(self) -> Words:
        """What is kept: the most frequent words, and of each what most often follows it."""
        # A word with digits that one product has is its code, which is looked up elsewhere.
        worth = {
            word: Count(documents, self.headlines[word], self.kinds[word])
            for word, documents in self.documents.items()
            if documents > 1 or not any(character.isdigit() for character in word)
        }
        kept = sorted(worth, key=lambda word: (-worth[word].weight, word))[:KEPT_WORDS]
        counts = {word: worth[word] for word in kept}
        return Words(
            counts,
            _nested(self.pairs, counts, KEPT_FOLLOWERS),
            _nested(self.near, counts, KEPT_PAIRS),
            {folded: raw for folded, raw in self.shown.items() if folded in counts},
        )


def _nested(pairs: Counter[tuple[str, str]], known: Mapping[str, Count], most: int) -> dict[str, dict[str, int]]:
    """The most frequent pairs, as first word -> second word -> number; at most `most` for one first word."""
    nested: dict[str, dict[str, int]] = {}
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    for (one, other), number in ordered[:KEPT_PAIRS]:
        if number < FEWEST_PAIRS:
            break
        if one in known and other in known and len(of_word := nested.setdefault(one, {})) < most:
            of_word[other] = number
    return nested


def _parts(surface: str) -> list[str]:
    """ "wi-fi" is also known as "wifi", "wi" and "fi"."""
    parts = [part for part in _NOT_LETTERS.split(surface) if part]
    return [*parts, "".join(parts)] if len(parts) > 1 else []


def refresh(*, at_once: bool = False) -> Vocabulary | None:
    """Count anew where the catalogue has changed since it was last counted; return the new vocabulary, if one is due.

    Unless it has to be `at_once`, large catalogues are counted more rarely, so that this never takes more than
    SHARE_OF_TIME of a worker's time. Two counts at once are a waste and no harm.
    """
    source = _source()
    newest = Vocabulary.objects.defer("content").order_by("-id").first()
    if newest is not None:
        pause = timedelta(seconds=newest.seconds / SHARE_OF_TIME)
        if newest.source == source or (not at_once and timezone.now() - newest.checked_at < pause):
            return None
    started = time.monotonic()
    products, languages = collect()
    content = vocabulary.pack(languages, _general())
    digest = hashlib.sha256(content).hexdigest()
    seconds = round(time.monotonic() - started, 3)
    if newest is not None and newest.sha256 == digest:
        Vocabulary.objects.filter(pk=newest.pk).update(source=source, seconds=seconds, checked_at=timezone.now())
        return None
    with transaction.atomic():
        made = Vocabulary.objects.create(
            source=source,
            sha256=digest,
            products=products,
            words=sum(len(each.counts) for each in languages.values()),
            seconds=seconds,
            content=vocabulary.compress(content),
        )
        Vocabulary.objects.filter(pk__lt=made.pk).delete()
    return made


def _source() -> str:
    """Changes whenever what is counted may have changed."""
    products = Product.objects.filter(status=Product.Status.PUBLISHED).aggregate(RowCount("id"), Max("updated_at"))
    names = hashlib.blake2b(digest_size=8)
    for model in (Brand, Category):
        names.update(repr(model.objects.aggregate(RowCount("id"), Max("id"))).encode())
    at = products["updated_at__max"]
    encoder = hashlib.blake2b(repr(settings.ENCODERS["text"]).encode(), digest_size=4).hexdigest()
    return f"{vocabulary.FORMAT} {settings.LANGUAGE_CODE} {encoder} {products['id__count']} {at} {names.hexdigest()}"


def _general() -> list[str]:
    """Words of everyday language by frequency, from the text encoder; none where it cannot be loaded."""
    try:
        known = getattr(encoder_for(current_spec("text")), "words", list)
        return list(dict.fromkeys(fold(word) for word in known() if len(word) >= SHORTEST_GENERAL))
    except EncoderError:
        return []


def collect() -> tuple[int, dict[str, Words]]:
    """Count all published products: their number, and the words by language."""
    own = vocabulary.own_language()
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
    categories: Counter[int] = Counter()
    brands: Counter[int] = Counter()
    number = 0
    for number, row in enumerate(_rows(), start=1):
        categories[row["category_id"]] += 1
        brands[row["brand_id"]] += 1
        tallies[own].add(_own_texts(row), own)
        for language, texts in _translated(row["translations"], ("title", TITLE), ("description", DESCRIPTION)).items():
            tallies[language].add(texts, language)
        if number % READ_AT_ONCE == 0:
            _bound(tallies)
    for id, name in Brand.objects.filter(pk__in=[id for id in brands if id]).values_list("id", "name").iterator():
        tallies[own].add([(name, BRAND, True)], own, brands[id])
    _count_categories(tallies, categories, own)
    codes = ProductCode.objects.filter(product__status=Product.Status.PUBLISHED).values_list("value", flat=True)
    for code in codes.iterator(chunk_size=READ_AT_ONCE):
        if code.isalpha():  # with digits or spaces it is never mistaken for a misspelt word
            tallies[own].add([(code, CODE, False)], own)
    return number, {language: tally.words() for language, tally in tallies.items()}


def _rows() -> Iterator[Mapping[str, Any]]:
    return (
        Product.objects.filter(status=Product.Status.PUBLISHED)
        .order_by("pk")
        .values(
            "title",
            "attributes",
            "translations",
            "category_id",
            "brand_id",
            beginning=Substr("description", 1, DESCRIPTION_CHARACTERS),
        )
        .iterator(chunk_size=READ_AT_ONCE)
    )


def _own_texts(row: Mapping[str, Any]) -> Iterator[tuple[str, int, bool]]:
    yield row["title"], TITLE, True
    yield row["beginning"], DESCRIPTION, False
    for name, value in attribute_values(row["attributes"]):
        if len(value) <= MAX_ATTRIBUTE_VALUE and value not in ("yes", "no"):
            yield value, ATTRIBUTE, name.casefold() in KIND_ATTRIBUTES


def _translated(translations: Any, *fields: tuple[str, int]) -> dict[str, list[tuple[str, int, bool]]]:
    """{"de": {"title": "…"}} as texts by base language."""
    found: defaultdict[str, list[tuple[str, int, bool]]] = defaultdict(list)
    for language, texts in translations.items():
        for name, kind in fields:
            if isinstance(texts, dict) and isinstance(text := texts.get(name), str):
                found[base_language(language)].append((text[:DESCRIPTION_CHARACTERS], kind, kind != DESCRIPTION))
    return found


def _count_categories(tallies: defaultdict[str, _Tally], numbers: Mapping[int, int], own: str) -> None:
    """A category's name counts for every product in it and below it."""
    rows = list(Category.objects.values_list("id", "path", "name", "translations"))
    below: Counter[str] = Counter()
    for id, path, _, _ in rows:
        for end in range(Category.steplen, len(path) + 1, Category.steplen):
            below[path[:end]] += numbers.get(id, 0)
    for _, path, name, translations in rows:
        if not below[path]:
            continue
        tallies[own].add([(name, CATEGORY, True)], own, below[path])
        for language, texts in _translated(translations, ("name", CATEGORY)).items():
            tallies[language].add(texts, language, below[path])


def _bound(tallies: Mapping[str, _Tally]) -> None:
    """Drop the rarest words and pairs where there are too many, down to half of what may be held."""
    words_floor = _floor([tally.documents for tally in tallies.values()], HELD_WORDS)
    pairs_floor = _floor([each for tally in tallies.values() for each in (tally.pairs, tally.near)], HELD_PAIRS)
    if words_floor or pairs_floor:
        for tally in tallies.values():
            tally.prune(words_floor, pairs_floor)


def _floor(counters: Sequence[Counter[Any]], most: int) -> int:
    """The count up to which entries go; 0 while there are at most so many."""
    kept = sum(len(counter) for counter in counters)
    if kept <= most:
        return 0
    entries = Counter(count for counter in counters for count in counter.values())
    for floor in sorted(entries):
        kept -= entries[floor]
        if kept <= most // 2:
            return floor
    return 0
