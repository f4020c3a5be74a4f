"""Corrects what was typed against the words that the catalogue itself has.

The noisy-channel model (Kernighan, Church and Gale, COLING 1990; for queries Cucerzan and Brill, "Spelling correction
as an iterative process that exploits the collective knowledge of web users", EMNLP 2004): of all words w, the one that
was meant when t was typed maximises P(w) P(t | w). P(w) comes from the catalogue, alone and beside the neighbouring
words, and P(t | w) from the keyboard. Two further readings compete: that t is what was meant, and that t is a word
which the catalogue does not have, or no word at all. So a correction is certain, possible, or none, by its share among
the readings, and not by a distance that somebody chose.

Never touched: tokens with digits (model numbers, sizes), brands, letters-only codes, words that the catalogue knows
well, scripts without spaces between words, and what stands in quotation marks.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from rapidfuzz import process
from rapidfuzz.distance import OSA

from search.language import vocabulary
from search.language.keyboard import layout_of, likelihood
from search.language.vocabulary import BRAND, CODE, WINDOW, Lexicon, Words
from search.terms import base_language, fold, words

LONGEST_QUERY, MOST_WORDS = 300, 32
MOST_LOOKED_UP = 6  # words of one query that candidates are looked up for
SHORTEST_WORD, LONGEST_WORD = 2, 30
TWO_ERRORS_FROM = 7  # letters of a word in which two errors are looked for; in shorter ones anything is near anything
MOST_CANDIDATES = 40  # of one word, the most frequent of the nearest

# Priors. A tenth of the queries and more hold an error (Cucerzan and Brill), and a query has about two words.
ERROR = 0.06
NEW_WORD = 0.01  # an everyday word that the catalogue does not have
NEW_NAME = 0.003  # a name that neither catalogue nor encoder know, and what is no word at all
LETTER = 1 / 13  # of such a name, for each letter: between the 11 of English text and the 26 of no language
ANY_LETTER, LONGEST_ACRONYM = 1 / 26, 3  # in an acronym any letter may follow any
SPACE = 0.005  # a space too many or too few
BESIDE = 0.4  # weight of each neighbouring word against the word's own frequency
# Shares among the readings. What is certain is more probable than all other readings together. What is possible serves
# where nothing is found otherwise, so little is enough; but an everyday word is meant as it stands, or is a certain
# error. Joining takes two good words away, which has to be beyond doubt.
CERTAIN, ASKED, POSSIBLE, JOINED = 0.5, 0.25, 0.08, 0.9
# A word of one in so many products may be a misspelling in the catalogue itself.
RARE = 5000
FOREIGN = 0.1  # a candidate of another language than the query's

_LETTERS = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|„[^“]*“|«[^»]*»')
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(frozen=True)
class Correction:
    """`text` is the query with every change made; where nothing is to change, the query itself and no changes.

    `certain`: search for `text` and say so. Otherwise, with changes, it is the best guess where nothing else is found;
    where other hits are shown, it is `worth_asking` whether it was meant, or it is not.
    """

    text: str
    changes: tuple[tuple[str, str], ...] = ()  # (as typed, as meant)
    certain: bool = False
    share: float = 0.0  # among all readings, of the most doubtful change

    @property
    def worth_asking(self) -> bool:
        return self.share >= ASKED


@dataclass(frozen=True)
class _Token:
    start: int
    end: int
    word: str  # folded


@dataclass(frozen=True)
class _Reading:
    text: str  # words, folded, parted by spaces
    share: float


def correct(q: str, language: str) -> Correction:
    """The query as it was probably meant. `language` is the query's. Never raises, and takes milliseconds at most."""
    if not q.strip() or len(q) > LONGEST_QUERY:
        return Correction(q)
    lexicon = vocabulary.current()
    return _correct(lexicon, q, base_language(language)) if lexicon.languages else Correction(q)


@vocabulary.remembered(4096)
def _correct(lexicon: Lexicon, q: str, language: str) -> Correction:
    return _Corrector(lexicon, language).correct(q)


class _Corrector:
    def __init__(self, lexicon: Lexicon, language: str) -> None:
        self.lexicon = lexicon
        own = vocabulary.own_language()
        # The query's language first, then the shop's, then all others.
        order = dict.fromkeys([language, own, *lexicon.languages])
        self.languages = [each for each in order if each in lexicon.languages]
        self.first = {language, own} & set(self.languages)
        self.layout = settings.SEARCH_KEYBOARD or layout_of(language)

    def correct(self, q: str) -> Correction:
        tokens = list(self._tokens(q))
        replaced: dict[_Token, tuple[_Token, _Reading]] = {}  # first token -> (last token, what is meant)
        place, looked_up = 0, 0
        while place < len(tokens) and looked_up < MOST_LOOKED_UP:
            before = tokens[place - 1].word if place else ""
            after = tokens[place + 1].word if place + 1 < len(tokens) else ""
            token = tokens[place]
            joined = self._joined(q, token, tokens[place + 1]) if after else None
            if joined:
                replaced[token] = tokens[place + 1], joined
                place += 1
            elif not self._settled(token, q):
                looked_up += 1
                if reading := self._best(token.word, before, after):
                    replaced[token] = token, reading
            place += 1
        if not replaced:
            return Correction(q)
        return self._replaced(q, replaced)

    def _replaced(self, q: str, replaced: Mapping[_Token, tuple[_Token, _Reading]]) -> Correction:
        text, at, changes = [], 0, []
        for first, (last, reading) in replaced.items():
            meant = " ".join(self._with_accents(word) for word in reading.text.split(" "))
            text += [q[at : first.start], meant]
            changes.append((q[first.start : last.end], meant))
            at = last.end
        share = min(reading.share for _, reading in replaced.values())
        return Correction("".join([*text, q[at:]]), tuple(changes), share >= CERTAIN, round(share, 4))

    def _tokens(self, q: str) -> Iterator[_Token]:
        """The words that stand alone between spaces and punctuation, those with digits among them."""
        quoted = [match.span() for match in _QUOTED.finditer(q)]
        number = 0
        for match in re.finditer(r"\S+", q):
            if number == MOST_WORDS:
                return
            start, end = match.span()
            while start < end and not q[start].isalnum():
                start += 1
            while end > start and not q[end - 1].isalnum():
                end -= 1
            if start < end and not any(a < end and start < b for a, b in quoted):
                number += 1
                yield _Token(start, end, fold(q[start:end]))

    def _settled(self, token: _Token, q: str) -> bool:
        """Whether the word is not to be doubted."""
        word = token.word
        if not (SHORTEST_WORD <= len(word) <= LONGEST_WORD) or not _LETTERS.fullmatch(word) or _UNSPACED.search(word):
            return True
        if not _LETTERS.fullmatch(q[token.start : token.end]):
            return True
        rare = self.lexicon.products / RARE
        return any(count.kinds & (BRAND | CODE) or count.documents > rare for count in self.lexicon.find(word))

    def _best(self, word: str, before: str, after: str) -> _Reading | None:
        as_typed = self._as_typed(word, before, after)
        readings = self._readings(word, 1, before, after)
        total = as_typed + sum(readings.values())
        if (
            len(word) >= TWO_ERRORS_FROM
            and not self._everyday(word)
            and max(readings.values(), default=0.0) < CERTAIN * total
        ):
            readings = {**self._readings(word, 2, before, after), **readings}
            total = as_typed + sum(readings.values())
        if not readings:
            return None
        best = max(readings, key=lambda text: (readings[text], text))
        if len(best) < len(word) and self._stem(best) == self._stem(word):
            return None  # a longer form of a word that is known: "schuhe" finds what "schuh" does
        # Words of one stem find the same, so they do not compete.
        stem = self._stem(best)
        share = sum(value for text, value in readings.items() if self._stem(text) == stem) / total
        enough = CERTAIN if self._everyday(word) else POSSIBLE
        return _Reading(best, share) if share >= enough else None

    def _stem(self, text: str) -> tuple[str, ...]:
        return _stem(text, self.languages[0])

    def _as_typed(self, word: str, before: str, after: str) -> float:
        known = self._prior(word, before, after) * (1 - ERROR) if self.lexicon.knows(word) else 0.0
        letter = ANY_LETTER if len(word) <= LONGEST_ACRONYM else LETTER
        return float(max(known, self._everyday(word), NEW_NAME * letter ** len(word)))

    def _everyday(self, word: str) -> float:
        """P(word is meant, and is of everyday language), by its rank (Zipf). So is a longer form of such a word:
        encoders have "sweater" and not "sweaters". A shorter one of the same stem is not: "mous" lacks a letter."""
        general = self.lexicon.general
        rank = general.get(word)
        if rank is None:
            of_stem = _stems(self.lexicon, self.languages[0]).get(self._stem(word), "")
            rank = general.get(of_stem) if len(of_stem) < len(word) else None
        return NEW_WORD / (rank * math.log(len(general) + 1)) if rank else 0.0

    def _readings(self, word: str, errors: int, before: str, after: str) -> dict[str, float]:
        readings: dict[str, float] = {}
        for language in self.languages:
            for candidate in _index(self.lexicon, language).near(word, errors):
                if candidate != word and candidate not in readings:
                    channel = ERROR * likelihood(word, candidate, self.layout)
                    readings[candidate] = self._prior(candidate, before, after) * channel
            if language == self.languages[0]:
                readings |= self._splits(word, self.lexicon.languages[language])
        return readings

    def _splits(self, word: str, of: Words) -> dict[str, float]:
        """ "usbcable" as "usb cable": both known, and seen side by side."""
        found = {}
        for at in range(2, len(word) - 1):
            left, right = word[:at], word[at:]
            if (number := of.follows(right, left)) and left in of.counts:
                share = number / max(of.counts[left].documents, 1)
                found[f"{left} {right}"] = SPACE * share * of.counts[left].weight / of.weight / len(word)
        return found

    def _joined(self, q: str, left: _Token, right: _Token) -> _Reading | None:
        """ "note book" as "notebook", where the catalogue never has the two side by side."""
        if not q[left.end : right.start].isspace():
            return None
        one, other, word = left.word, right.word, left.word + right.word
        if not (_LETTERS.fullmatch(one) and _LETTERS.fullmatch(other)) or len(word) > LONGEST_WORD:
            return None
        if any(count.kinds & BRAND for each in (one, other) for count in self.lexicon.find(each)):
            return None
        for language in self.languages[:2]:
            of = self.lexicon.languages[language]
            if (count := of.counts.get(word)) is None or of.follows(other, one):
                continue
            apart = self._as_typed(one, "", "") * self._prior(other, one, "")
            together = SPACE * count.weight / of.weight / len(word)
            share = together / (apart + together)
            return _Reading(word, share) if share >= JOINED else None
        return None

    def _prior(self, word: str, before: str, after: str) -> float:
        """P(word | its neighbours): its own frequency, mixed with how often it stands beside them."""
        best = 0.0
        for language in self.languages:
            of = self.lexicon.languages[language]
            if (count := of.counts.get(word)) is None:
                continue
            alone = count.weight / of.weight
            beside = [_beside(word, other, of) for other in (before, after) if other in of.counts]
            mixed = (1 - BESIDE * len(beside)) * alone + BESIDE * sum(beside)
            best = max(best, mixed if language in self.first else mixed * FOREIGN)
        return best

    def _with_accents(self, word: str) -> str:
        for language in self.languages:
            if word in self.lexicon.languages[language].counts:
                return self.lexicon.languages[language].with_accents(word)
        return word


def _beside(word: str, other: str, of: Words) -> float:
    """P(a word beside `other` is `word`)."""
    return of.together(word, other) / max(of.counts[other].headlines, 1) / (2 * WINDOW)


def _stem(text: str, language: str) -> tuple[str, ...]:
    return tuple(word.terms[0] for word in words(text, language))


@vocabulary.remembered(8)
def _stems(lexicon: Lexicon, language: str) -> dict[tuple[str, ...], str]:
    """The stem of everyday words, and the shortest of them."""
    shortest: dict[tuple[str, ...], str] = {}
    for word in lexicon.general:
        stem = _stem(word, language)
        if len(word) < len(shortest.get(stem, word + word)):
            shortest[stem] = word
    return shortest


class _Index:
    """Words that may be meant, by length, for the search by edit distance."""

    def __init__(self, of: Words) -> None:
        self._counts = of.counts
        self._by_length: dict[int, list[str]] = {}
        for word in of.counts:
            if (
                SHORTEST_WORD <= len(word) <= LONGEST_WORD + 1
                and _LETTERS.fullmatch(word)
                and not _UNSPACED.search(word)
            ):
                self._by_length.setdefault(len(word), []).append(word)

    def near(self, word: str, errors: int) -> Sequence[str]:
        """Words at most so many edits away (optimal string alignment), the most frequent ones."""
        found: list[str] = []
        for length in range(len(word) - errors, len(word) + errors + 1):
            choices = self._by_length.get(length, ())
            matches = process.extract(word, choices, scorer=OSA.distance, score_cutoff=errors, limit=None)
            found += [match[0] for match in matches]
        return sorted(found, key=lambda each: (-self._counts[each].weight, each))[:MOST_CANDIDATES]


@vocabulary.remembered(64)
def _index(lexicon: Lexicon, language: str) -> _Index:
    return _Index(lexicon.languages[language])
