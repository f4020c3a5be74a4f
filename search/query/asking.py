"""A request with its words interpreted: what is searched for, and what every hit has to meet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from qdrant_client import models

from search import metrics
from search.documents import attribute_key
from search.language import spelling, vocabulary
from search.language.attributes import Named
from search.language.interpret import Given, Interpretation, interpret
from search.language.phrases import ATTRIBUTE
from search.language.stopwords import stop_words
from search.language.synonyms import known_words
from search.query.beside import interpret_beside
from search.query.configuration import Configuration
from search.query.filters import Conditions, resolve
from search.query.request import Filters, SearchRequest
from search.query.understand import exact_products
from search.terms import fold, words

IMPLIED = "implied "  # what stands before a phrase, in place of the name of a facet
_FIELDS = {"category": "categories", "brand": "brand", "store": "store", "tag": "tags"}  # of a point's payload


@dataclass(frozen=True)
class Asked:
    """`request` is the shopper's, with the words that are left to search as its `q`."""

    request: SearchRequest
    typed: str  # the words as they came
    conditions: Conditions
    own: Conditions  # those that the shopper has set himself
    interpretation: Interpretation
    exact: tuple[int, ...] = ()  # products that the words name by a code
    correction: spelling.Correction | None = None  # where there is anything to correct
    meaning: str = ""  # all the words, where only a part of them is searched for
    corrected: bool = False  # whether the corrected words are searched for
    before: Interpretation | None = None  # of the words as they were typed, where others are searched for

    @property
    def preferences(self) -> list[models.Filter]:
        """What hits had better meet."""
        return [_filter(each) for each in self.interpretation.preferred]

    def reads(self, interpretation: Interpretation, **changes: Any) -> "Asked":
        """The same request, read in another way."""
        request, conditions = _apply(self.request, self.own, interpretation)
        return replace(self, request=request, conditions=conditions, interpretation=interpretation, **changes)

    def told(self) -> dict[str, Any]:
        """What was understood, for the answer."""
        told: dict[str, Any] = {}
        if self.typed:
            told["language"] = self.interpretation.language
        if understood := self.interpretation.told():
            told["understood"] = understood
        if self.correction and self.corrected:
            told["showing_results_for"] = self.correction.text
        elif self.correction and self.correction.worth_asking:
            told["did_you_mean"] = self.correction.text
        if self.correction and (self.corrected or self.correction.worth_asking):
            told["corrections"] = [{"typed": typed, "meant": meant} for typed, meant in self.correction.changes]
        return told


@metrics.stage("understand")
def read(request: SearchRequest) -> Asked:
    """Look for a code, correct what is certainly misspelt, and interpret the words. A few database queries."""
    configuration = request.configuration or Configuration()
    own = resolve(request.filters)
    typed = request.q.strip()
    exact = tuple(exact_products(typed)) if typed else ()
    given = Given(frozenset(_given(request.filters)), tuple(filter(None, [request.filters.category])), request.literal)
    understand = request.understand and configuration.understanding and not exact and not request.pictured
    interpretation = interpret(typed, given, understand=understand)
    if request.pictured and typed and request.understand and configuration.understanding and not exact:
        interpretation = interpret_beside(request, given)
    correction = None
    if request.understand and configuration.spelling and not exact and interpretation.text:
        correction = _correction(interpretation, request.literal)
    asked = Asked(request, typed, own, own, interpretation, exact, correction)
    if correction and correction.certain and complete(correction, interpretation.language):
        return corrected(asked, given, understand=understand)
    return asked.reads(interpretation)


def complete(correction: spelling.Correction, language: str) -> bool:
    """Whether the catalogue knows every word of the corrected text.

    Where it lacks some, the others are no context to trust: "ski resort" is no misspelt printer.
    """
    lexicon, stops = vocabulary.current(), stop_words(language)
    surfaces = [word.surface for word in words(correction.text, language)]
    return all(
        lexicon.knows(surface) or surface in stops or any(character.isdigit() for character in surface)
        for surface in surfaces
    )


def corrected(asked: Asked, given: Given | None = None, *, understand: bool = True) -> Asked:
    """The same with the corrected words in the place of those that were typed."""
    if asked.correction is None:
        return asked
    given = given or Given(frozenset(_given(asked.request.filters)), literal=asked.request.literal)
    before = asked.interpretation
    again = interpret(asked.correction.text, given, understand=understand)
    kept = replace(again, price=before.price, price_phrase=before.price_phrase, unwanted=before.unwanted)
    return asked.reads(kept, corrected=True, before=before)


def as_typed(asked: Asked) -> Asked:
    """The same with the words that were typed in the place of the corrected ones."""
    return asked.reads(asked.before or asked.interpretation, corrected=False, before=None)


def _correction(interpretation: Interpretation, literal: Sequence[str]) -> spelling.Correction | None:
    found = spelling.correct(interpretation.text, interpretation.language)
    # What was taken back stays as it was typed, and so does what has a synonym: somebody wrote it down.
    taken_back = {fold(each) for each in literal}
    taken_back |= known_words(interpretation.text, settings.LANGUAGE_CODE, interpretation.language)
    if not found.changes or any(fold(typed) in taken_back for typed, _ in found.changes):
        return None
    return found


def _given(filters: Filters) -> list[str]:
    names = [name for name in ("category", "brand", "store", "tag") if getattr(filters, name)]
    names += [name for name in ("price_min", "price_max") if getattr(filters, name) is not None]
    return names + [ATTRIBUTE + name for name, values in filters.attributes.items() if values]


def _apply(request: SearchRequest, own: Conditions, interpretation: Interpretation) -> tuple[SearchRequest, Conditions]:
    request = replace(request, q=interpretation.text)
    conditions = own
    if price := interpretation.price:
        low, high = request.filters.price_min, request.filters.price_max
        priced = resolve(
            Filters(
                price_min=low if low is not None else price.minimum,
                price_max=high if high is not None else price.maximum,
            )
        )
        conditions = replace(own, points=own.points | priced.points, rows=own.rows | priced.rows)
    implied: dict[str, list[models.Condition]] = {
        IMPLIED + each.phrase: [_filter(each)] for each in interpretation.certain
    }
    return request, replace(conditions, points=conditions.points | implied)


def _filter(named: Named) -> models.Filter:
    """Products that have one of the values that a phrase names, in whichever facet."""
    conditions: list[models.Condition] = []
    for meaning in named.meanings:
        if meaning.facet.startswith(ATTRIBUTE):
            name = meaning.facet.removeprefix(ATTRIBUTE)
            field, values = "attribute_values", [attribute_key(name, value) for value in meaning.values]
        else:
            field, values = _FIELDS[meaning.facet], list(meaning.values)
        conditions.append(models.FieldCondition(key=field, match=models.MatchAny(any=values)))
    return models.Filter(should=conditions)
