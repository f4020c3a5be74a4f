"""The words that what was typed may be the beginning of, found in the vocabulary that a process holds.

The last word may be unfinished; those before it are finished, and corrected where they are certainly misspelt. Where no
word begins as the last one does, beginnings that are an edit or two away are looked for, so that an error in the third
letter does not empty the list ("fuzzy type-ahead", Ji et al., "Efficient interactive fuzzy keyword search", WWW 2009).
"""

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from rapidfuzz import process
from rapidfuzz.distance import OSA

from search.language import vocabulary
from search.language.keyboard import layout_of, likelihood
from search.language.spelling import correct
from search.language.stopwords import stop_words
from search.language.vocabulary import Lexicon, Words
from search.terms import fold, words

MOST = 8  # completions of the last word
FUZZY_FROM = 3  # letters typed
ANY_FIRST_LETTER_FROM = 5  # in less, the first letter is all there is to go by
TWO_ERRORS_FROM = 8
MOST_LOOKED_AT = 12  # beginnings near the typed one
SMOOTHING = 200.0  # products that speak for a word's own frequency, beside those that have it after the word before
NEAR = 0.2  # of a product that has the two near each other, in place of side by side
FOREIGN = 0.1  # words of other languages than the shop's, until more is typed
LAST = "\U0010ffff"


@dataclass(frozen=True)
class Completion:
    """One way to go on."""

    before: str  # the words before the last, as they are meant
    word: str  # the last one, whole and folded
    shown: str  # the same as people write it
    score: float
    follows: bool  # the catalogue has it beside the word before

    @property
    def text(self) -> str:
        return f"{self.before} {self.shown}".strip()


@dataclass(frozen=True)
class Completions:
    """Best first. `corrected`: nothing begins as it was typed, and these begin like it."""

    found: tuple[Completion, ...] = ()
    corrected: bool = False


def complete(typed: str) -> Completions:
    """Complete the last word of `typed`."""
    lexicon = vocabulary.current()
    return _complete(lexicon, " ".join(typed.split())) if lexicon.languages else Completions()


def next_words(text: str, limit: int) -> list[str]:
    """`text` with each of the words that most often follow it in titles."""
    of = vocabulary.current().of(vocabulary.own_language())
    sequence = words(text, vocabulary.own_language())
    if not sequence:
        return []
    stops = stop_words(vocabulary.own_language())
    said = {word.surface for word in sequence}
    following = of.followers.get(sequence[-1].surface, {})
    good = [word for word in following if word not in stops and word not in said and not word.isdigit()]
    return [f"{text} {of.with_accents(word)}" for word in good[:limit] if len(word) > 1]


@vocabulary.remembered(4096)
def _complete(lexicon: Lexicon, typed: str) -> Completions:
    head, _, last = typed.rpartition(" ")
    prefix = fold(last)
    if not prefix:
        return Completions()
    before = correct(head, vocabulary.own_language()) if head else None
    meant = before.text if before and before.certain else head
    sequence = words(meant, vocabulary.own_language())
    beside = sequence[-1].surface if sequence else ""
    exact = _best(lexicon, _exact(lexicon, prefix), meant, beside)
    if exact or len(prefix) < FUZZY_FROM or any(character.isdigit() for character in prefix):
        return Completions(tuple(exact), corrected=meant != head)
    return Completions(tuple(_best(lexicon, _fuzzy(lexicon, prefix), meant, beside)), corrected=True)


Found = tuple[str, str, float]  # language, word, how well it begins as typed


def _exact(lexicon: Lexicon, prefix: str) -> Iterator[Found]:
    for language, of in lexicon.languages.items():
        ordered = of.sorted
        for word in ordered[bisect_left(ordered, prefix) : bisect_right(ordered, prefix + LAST)]:
            yield language, word, 1.0


def _fuzzy(lexicon: Lexicon, prefix: str) -> Iterator[Found]:
    """Words with a beginning that is near the typed one, in the shop's language, then in others."""
    own = vocabulary.own_language()
    for language in dict.fromkeys([own, *lexicon.languages]):
        if language not in lexicon.languages:
            continue
        found = list(_near(lexicon, language, prefix))
        yield from found
        if found:
            return


def _near(lexicon: Lexicon, language: str, prefix: str) -> Iterator[Found]:
    errors = 2 if len(prefix) >= TWO_ERRORS_FROM else 1
    layout = settings.SEARCH_KEYBOARD or layout_of(language)
    near: dict[str, float] = {}
    for length in range(max(len(prefix) - errors, 2), len(prefix) + errors + 1):
        for first, beginnings in _beginnings(lexicon, language, length).items():
            if first == prefix[0] or len(prefix) >= ANY_FIRST_LETTER_FROM:
                matches = process.extract(prefix, beginnings, scorer=OSA.distance, score_cutoff=errors, limit=None)
                near.update((match[0], likelihood(prefix, match[0], layout)) for match in matches)
    ordered = lexicon.languages[language].sorted
    seen: set[str] = set()
    for beginning in heapq.nlargest(MOST_LOOKED_AT, near, key=lambda each: (near[each], each)):
        for word in ordered[bisect_left(ordered, beginning) : bisect_right(ordered, beginning + LAST)]:
            if word not in seen:
                seen.add(word)
                yield language, word, near[beginning]


@vocabulary.remembered(512)
def _beginnings(lexicon: Lexicon, language: str, length: int) -> dict[str, list[str]]:
    """First letter -> the different beginnings of this length that words of titles and names have."""
    found: dict[str, dict[str, None]] = {}
    for word, count in lexicon.languages[language].counts.items():
        if count.headlines and len(word) >= length and word.isalpha():
            found.setdefault(word[0], {})[word[:length]] = None
    return {first: list(beginnings) for first, beginnings in found.items()}


def _best(lexicon: Lexicon, found: Iterator[Found], meant: str, beside: str) -> list[Completion]:
    own = vocabulary.own_language()
    stops = stop_words(own)
    said = set(fold(meant).split())
    scored: dict[str, Completion] = {}
    for language, word, likely in found:
        if word in said or word in stops:
            continue
        of = lexicon.languages[language]
        score = likely * _probability(of, word, beside) * (1.0 if language == own else FOREIGN)
        if word not in scored or scored[word].score < score:
            scored[word] = Completion(meant, word, of.with_accents(word), score, of.follows(word, beside) > 0)
    best = heapq.nlargest(MOST, scored.values(), key=lambda each: (each.score, each.word))
    # Numbers are endless: "windows 1" is "windows 10", and "12" of something else is nothing to offer.
    return [each for each in best if each.follows or each.word.isalpha() or not beside]


def _probability(of: Words, word: str, beside: str) -> float:
    """P(word | the word before), smoothed by the word's own share (Zhai and Lafferty, TOIS 2004)."""
    alone = of.counts[word].weight / of.weight
    if beside not in of.counts:
        return alone
    number = of.follows(word, beside) + NEAR * of.together(word, beside)
    return (number + SMOOTHING * alone) / (of.counts[beside].headlines + SMOOTHING)


def texts(completions: Completions, limit: int) -> Sequence[str]:
    """The completed texts, without those that differ in number alone ("laptop", "laptops")."""
    own, seen, kept = vocabulary.own_language(), set(), []
    for each in completions.found:
        stems = tuple(word.terms[0] for word in words(each.text, own))
        if stems not in seen:
            seen.add(stems)
            kept.append(each.text)
    return kept[:limit]
