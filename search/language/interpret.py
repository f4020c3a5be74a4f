"""What the words of a query say beyond being words: a language, a price, things to stay away from, filters.

Everything found is told with the phrase it was found in, and `literal` takes any of it back: the phrase is then words
like others. Prices and negations leave the text that is searched; phrases that name a brand or a property stay in it,
because titles say them too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from search.language import vocabulary
from search.language.attributes import Named, find_named
from search.language.detect import detect
from search.language.negation import find_negations
from search.language.phrases import ATTRIBUTE
from search.language.prices import Price, find_price
from search.language.stopwords import stop_words
from search.language.units import measures
from search.terms import base_language, fold, words

MOST_NEGATIONS = 4


@dataclass(frozen=True)
class Interpretation:
    """A query as it is understood. `text` is what is left to search by words and meaning."""

    text: str
    language: str
    named: tuple[Named, ...] = ()
    price: Price | None = None
    price_phrase: str = ""
    unwanted: tuple[tuple[str, str], ...] = ()  # (words to stay away from, the phrase that says so)
    optional: frozenset[str] = frozenset()  # folded words of the text that are not searched for: stop words
    # Folded words that are searched for and need not be met: of a price that was taken back, which no title says.
    spare: frozenset[str] = frozenset()

    @property
    def certain(self) -> tuple[Named, ...]:
        return tuple(each for each in self.named if each.certain)

    @property
    def preferred(self) -> tuple[Named, ...]:
        return tuple(each for each in self.named if not each.certain)

    def without_filters(self) -> "Interpretation":
        """The same with every implied filter a preference."""
        return replace(self, named=tuple(replace(each, certain=False) for each in self.named))

    def told(self) -> list[dict[str, Any]]:
        """For the answer: each thing understood, with the phrase that `literal` takes it back by."""
        found: list[dict[str, Any]] = []
        for each in self.named:
            found.append(
                {
                    "kind": "attribute" if each.main.facet.startswith(ATTRIBUTE) else each.main.facet,
                    "name": each.main.facet,
                    "value": each.main.values[0],
                    "label": each.main.label,
                    "phrase": each.phrase,
                    "applied": "filter" if each.certain else "preference",
                }
            )
        if self.price:
            for name, value in (("price_min", self.price.minimum), ("price_max", self.price.maximum)):
                if value is not None:
                    label = f"{'From' if name == 'price_min' else 'Up to'} {value:g} {settings.SHOP_CURRENCY}"
                    found.append(
                        {"kind": "price", "name": name, "value": value, "label": label,
                         "phrase": self.price_phrase, "applied": "filter"}
                    )  # fmt: skip
        for unwanted, phrase in self.unwanted:
            found.append(
                {"kind": "negation", "name": "not", "value": unwanted, "label": f"Without {unwanted}",
                 "phrase": phrase, "applied": "filter"}
            )  # fmt: skip
        return found


@dataclass(frozen=True)
class Given:
    """What the shopper has set beside the words, which always goes before what they imply."""

    facets: frozenset[str] = frozenset()  # facets that he filters on; "price_min", "price_max" for a price
    categories: tuple[str, ...] = ()  # slugs
    literal: tuple[str, ...] = field(default_factory=tuple)  # phrases to take as they stand


def interpret(q: str, given: Given = Given(), *, understand: bool = True) -> Interpretation:
    """Never raises for any text. With `understand=False` the language alone is told."""
    own = base_language(settings.LANGUAGE_CODE)
    text = " ".join(q.split())
    language = detect(text)
    stops = stop_words(language) | (stop_words(own) if language != own else frozenset())
    if not understand or not text:
        return Interpretation(text, language, optional=_optional(text, own, stops))
    literal = frozenset(fold(" ".join(each.split())) for each in given.literal)
    text, price, price_phrase, spare = _take_price(text, given, literal)
    text, unwanted = _take_negations(text, language, own, stops, literal)
    text = measures(text)
    named = find_named(
        text,
        language=language,
        own=own,
        stop_words=stops,
        taken=given.facets,
        categories=given.categories,
        literal=literal,
    )
    return Interpretation(
        text, language, tuple(named), price, price_phrase, unwanted, _optional(text, own, stops), spare
    )


def _take_price(text: str, given: Given, literal: frozenset[str]) -> tuple[str, Price | None, str, frozenset[str]]:
    price = find_price(text)
    if price is None:
        return text, None, "", frozenset()
    phrase = text[price.start : price.end].strip()
    if fold(phrase) in literal:
        return text, None, "", frozenset(word.surface for word in words(phrase, settings.LANGUAGE_CODE))
    rest = _cut(text, price.start, price.end)
    # A bound that the shopper has set himself stands; the words that say another are still no product's.
    price = replace(
        price,
        minimum=None if "price_min" in given.facets else price.minimum,
        maximum=None if "price_max" in given.facets else price.maximum,
    )
    return rest, price, phrase, frozenset()


def _take_negations(
    text: str, language: str, own: str, stops: frozenset[str], literal: frozenset[str]
) -> tuple[str, tuple[tuple[str, str], ...]]:
    lexicon = vocabulary.current()
    languages = list(dict.fromkeys([own, language]))

    def stands(marker: str, word: str) -> bool:
        """Whether titles say just this: "sans fil" asks for what is wireless."""
        first, second = fold(marker).split(" ")[-1] if marker else "", fold(word)
        return bool(first) and any(lexicon.of(each).follows(second, first) for each in languages)

    def longest_known(following: Sequence[str]) -> int:
        named = find_named(" ".join(following[:4]), language=language, own=own, stop_words=stops)
        return named[0].end if named and named[0].start == 0 else 0

    found = find_negations(text, languages, longest_known=longest_known, stop_words=stops, stands=stands)
    kept = [each for each in found if fold(text[each.start : each.end].strip()) not in literal][:MOST_NEGATIONS]
    unwanted = tuple((each.words, text[each.start : each.end].strip()) for each in kept)
    for each in reversed(kept):
        text = _cut(text, each.start, each.end)
    return text, unwanted


def _cut(text: str, start: int, end: int) -> str:
    return " ".join((text[:start] + " " + text[end:]).strip(" ,;").split())


def _optional(text: str, own: str, stops: frozenset[str]) -> frozenset[str]:
    """The stop words of a text that has other words as well."""
    surfaces = {word.surface for word in words(text, own)}
    return frozenset(surfaces & stops) if surfaces - stops else frozenset()
