"""Synonyms of a query's phrases as the index takes them.

The query is asked once as it was typed and once with each alternative in its phrase's place, and a product keeps the
best of its scores: so a product that has both "grey" and "gray" gains nothing by it. Adding the alternatives to one
sparse vector would count them twice.

How rare a term is must not decide either, or the one product that says "gray" would go before all that say "grey". So
an alternative is weighed such that its own best product scores SEARCH_SYNONYM_WEIGHT of what the phrase's own does.
"""

import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, product

from django.conf import settings
from qdrant_client import models

from search.index.client import get_client
from search.index.live import Live
from search.index.schema import TERMS
from search.language import synonyms
from search.language.detect import detect
from search.terms import MAX_WORDS_IN_QUERY, Sparse, base_language, query_terms, words

MOST_WORDINGS = 12  # of one query, besides the one that was typed
KEPT_SECONDS = 60.0  # how long it is remembered how well a phrase can be met


@dataclass(frozen=True)
class Alternatives:
    """Other wordings of a query. Empty where no word of it has a synonym."""

    wordings: list[Sparse] = field(default_factory=list)
    # Alternatives of single words, so that a word the catalogue says otherwise is known: as in `Understood.words`.
    words: list[tuple[str, Sparse]] = field(default_factory=list)
    told: dict[str, list[str]] = field(default_factory=dict)  # phrase of the query -> what it finds as well


def alternatives(
    q: str, language: str, others: Sequence[str], live: Live, optional: Container[str] = ()
) -> Alternatives:
    """Look up synonyms and weigh them; one more call to the vector store, if there are any. Raises VectorStoreError.

    `language` is the shop's, in which words are cut and stemmed as everywhere; synonyms of the language that the query
    is written in hold as well. `optional` holds words, folded, that are not searched for.
    """
    sequence = [word.surface for word in words(q, language)[:MAX_WORDS_IN_QUERY]]
    told = synonyms.expand(sequence, language) if settings.SEARCH_SYNONYM_WEIGHT > 0 else {}
    if synonyms.languages() - {base_language(language)} and settings.SEARCH_SYNONYM_WEIGHT > 0:
        told = synonyms.expand(sequence, detect(q)) | told
    if not told:
        return Alternatives()
    phrases = sorted({each for phrase, found in told.items() for each in (phrase, *found)})
    terms = {phrase: query_terms(phrase, language, others) for phrase in phrases}
    best = dict(zip(phrases, _best(live.name, tuple(_frozen(terms[each]) for each in phrases), _minute()), strict=True))
    weighed: dict[str, list[Sparse]] = {}
    for phrase, found in told.items():
        # What no product has, adds nothing but a query.
        known = [each for each in found if best[each] > 0]
        weighed[phrase] = [_scaled(terms[each], _weight(best[phrase], best[each])) for each in known]
    extra = [
        (word, _scaled(each, 1 / len(parts)))
        for phrase, found in weighed.items()
        for parts in [phrase.split(" ")]
        for word in parts
        for each in found
    ]
    pieces = list(_pieces(sequence, weighed, lambda text: query_terms(text, language, others, without=optional)))
    return Alternatives(
        list(_wordings(pieces)),
        extra,
        {phrase: list(found) for phrase, found in told.items()},
    )


def merged(ranked: Sequence[list[tuple[int, float]]], limit: int) -> list[tuple[int, float]]:
    """Several lists of (product id, score) into one, best first, each product with the best of its scores."""
    best: dict[int, float] = {}
    for each in ranked:
        for id, score in each:
            if score > best.get(id, 0.0):
                best[id] = score
    return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:limit]


def _pieces(
    sequence: Sequence[str], weighed: Mapping[str, list[Sparse]], terms_of: Callable[[str], Sparse]
) -> Iterator[tuple[Sparse, list[Sparse]]]:
    """The query cut at its phrases: what was typed, and what may stand for it."""
    kept: list[str] = []
    place = 0
    while place < len(sequence):
        for phrase, found in weighed.items():
            parts = phrase.split(" ")
            if list(sequence[place : place + len(parts)]) == parts:
                yield terms_of(" ".join(kept)), []
                yield terms_of(phrase), found
                kept = []
                place += len(parts)
                break
        else:
            kept.append(sequence[place])
            place += 1
    yield terms_of(" ".join(kept)), []


def _wordings(pieces: Sequence[tuple[Sparse, list[Sparse]]]) -> Iterator[Sparse]:
    """The query with alternatives in place of one or more of its phrases; fewest replacements first."""
    choices = sorted(
        islice(product(*(range(len(found) + 1) for _, found in pieces)), 500),
        key=lambda choice: sum(map(bool, choice)),
    )
    for choice in choices[1 : MOST_WORDINGS + 1]:
        yield _united(
            [found[number - 1] if number else typed for number, (typed, found) in zip(choice, pieces, strict=True)]
        )


def _weight(own: float, best: float) -> float:
    weight: float = settings.SEARCH_SYNONYM_WEIGHT
    return weight * own / best if own > 0 else weight


def _scaled(terms: Sparse, factor: float) -> Sparse:
    return terms[0], [value * factor for value in terms[1]]


def _united(parts: Sequence[Sparse]) -> Sparse:
    values: dict[int, float] = {}
    for part in parts:
        for index, value in zip(*part, strict=True):
            values[index] = max(value, values.get(index, 0.0))
    return sorted(values), [values[index] for index in sorted(values)]


Frozen = tuple[tuple[int, ...], tuple[float, ...]]


def _frozen(terms: Sparse) -> Frozen:
    return tuple(terms[0]), tuple(terms[1])


def _minute() -> int:
    return int(time.monotonic() // KEPT_SECONDS)


@lru_cache(maxsize=1024)
def _best(collection: str, terms: tuple[Frozen, ...], minute: int) -> tuple[float, ...]:
    """The best score that any product has for each of these; 0 where none has any."""
    requests = [
        models.QueryRequest(query=models.SparseVector(indices=list(indices), values=list(values)), using=TERMS, limit=1)
        for indices, values in terms
    ]
    answers = get_client().query_batch_points(collection, requests)
    return tuple(float(answer.points[0].score) if answer.points else 0.0 for answer in answers)
