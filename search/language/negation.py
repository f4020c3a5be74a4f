"""Words to stay away from: "without laces", "ohne Kabel", "-leather"."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from search.language.markers import NEGATION, NEGATION_AFTER

MOST_WORDS = 3  # of one negated phrase
# "-x" apart from hyphens within a word, from ranges and from options such as "-5 °C".
_MINUS = re.compile(r"(?:(?<=\s)|^)-(?=[^\W\d_]{2})([\w'’.-]*\w)")
_WORD = re.compile(r"[^\s,;]+")
_AND = re.compile(r"(?:\s*,)?\s+(?:or|and|nor|oder|und|noch|ou|et|ni|o|y)\s+", re.IGNORECASE)
_ENDS = re.compile(r"[,;]|\s[-–—]\s")


@dataclass(frozen=True)
class Negated:
    """The words to stay away from, and where the query says so (`start`, `end` of its text, the marker included)."""

    words: str
    start: int
    end: int


def find_negations(
    text: str,
    languages: Sequence[str],
    *,
    longest_known: Callable[[Sequence[str]], int] = lambda words: 0,
    stop_words: Collection[str] = (),
    stands: Callable[[str, str], bool] = lambda marker, word: False,
) -> list[Negated]:
    """All negations of a query, in order, none overlapping; [] where it is nothing but negations.

    Negated are the words that `longest_known` says form a phrase of the catalogue; without one, all words to the end of
    the query (or the next comma or one of `stop_words`) if the marker follows something, else one word. `stands` tells
    of a marker and the word after it whether the catalogue says just that ("sans fil"), which then is no negation.
    """
    found = [Negated(match[1], match.start(), match.end()) for match in _MINUS.finditer(text)]
    for match in _marker_pattern(tuple(languages)).finditer(text):
        if any(each.start < match.end() and match.start() < each.end for each in found):
            continue
        start, place, marker = match.start(), match.end(), match[0]
        while negated := _after(text, start, place, marker, longest_known, stop_words, stands):
            if not _overlaps(negated, found):
                found.append(negated)
            also = _AND.match(text, negated.end)
            if not also:
                break
            start, place, marker = also.start(), also.end(), ""
    found += [each for each in _before(text, languages) if not _overlaps(each, found)]
    found.sort(key=lambda each: each.start)
    rest = text
    for each in reversed(found):
        rest = rest[: each.start] + " " + rest[each.end :]
    return found if any(word.casefold() not in stop_words for word in re.findall(r"\w+", rest)) else []


def _overlaps(one: Negated, others: Sequence[Negated]) -> bool:
    return any(one.start < other.end and other.start < one.end for other in others)


_patterns: dict[tuple[str, ...], re.Pattern[str]] = {}


def _marker_pattern(languages: tuple[str, ...]) -> re.Pattern[str]:
    if languages not in _patterns:
        spaced = sorted(
            {m for each in languages for m in NEGATION.get(each, ()) if each != "zh"}, key=len, reverse=True
        )
        parts = []
        if spaced:
            parts.append(r"(?<![\w-])(?:" + "|".join(re.escape(marker) for marker in spaced) + r")(?=\s)")
        if "zh" in languages:
            parts.append("(?:" + "|".join(NEGATION["zh"]) + ")")
        _patterns[languages] = re.compile("|".join(parts) if parts else r"(?!)", re.IGNORECASE)
    return _patterns[languages]


def _after(
    text: str,
    start: int,
    place: int,
    marker: str,
    longest_known: Callable[[Sequence[str]], int],
    stop_words: Collection[str],
    stands: Callable[[str, str], bool],
) -> Negated | None:
    boundary = _ENDS.search(text, place)
    end = boundary.start() if boundary else len(text)
    following = list(_WORD.finditer(text, place, end))
    while following and following[0][0].casefold() in stop_words and len(following) > 1:
        following.pop(0)  # "without a strap"
    if not following or stands(marker, following[0][0]):
        return None
    words = [each[0] for each in following]
    taken = longest_known(words)
    if not taken:
        taken = 1
        if text[:start].strip():
            while taken < min(len(words), MOST_WORDS) and words[taken].casefold() not in stop_words:
                taken += 1
    last = following[min(taken, len(following)) - 1]
    return Negated(" ".join(words[:taken]), start, last.end())


def _before(text: str, languages: Sequence[str]) -> list[Negated]:
    markers = [marker for each in languages for marker in NEGATION_AFTER.get(each, ())]
    if not markers:
        return []
    pattern = re.compile(rf"([^\s]{{1,10}}?)\s?(?:{'|'.join(markers)})(?=\s|$)")
    return [Negated(match[1], match.start(), match.end()) for match in pattern.finditer(text)]
