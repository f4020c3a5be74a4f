"""Brands, categories and properties in the words of a query: "red nike shoes" is a colour, a brand and a category.

A condition becomes a filter only where the catalogue can be trusted with it:

- the phrase has no other use: almost all titles that hold it are of products which have the value;
- the facet is complete: almost all products in question have it at all, so that a product without the value really is
  something else, and has not just been described carelessly;
- the phrase is what the query is about, and not what something is for ("toner for HP") or a part of a name that goes on
  ("shoe rack").

All others are preferences: products that meet them go first.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from search.documents import KIND_ATTRIBUTES
from search.language.markers import PURPOSE
from search.language.phrases import ATTRIBUTE, LONGEST, LONGEST_UNSPACED, Meaning, coverage, meanings, stem_of
from search.terms import Word, is_unspaced, words

TRUSTED = 0.8  # of a phrase, to be a filter
PREFERRED = 0.5  # of a phrase, to be a preference
COMPLETE = 0.9  # of a facet, to be a filter
MANY_VALUED = {"tag"}  # nobody lists all tags that would fit, so a missing one says nothing
# Languages that put what is meant before what it is like.
HEAD_FIRST = {"ar", "ca", "el", "es", "fr", "he", "id", "it", "pt", "ro", "vi"}
MOST_PHRASES = 8


@dataclass(frozen=True)
class Named:
    """A phrase of the query and what it names. `start` and `end` are places among the query's words."""

    phrase: str
    start: int
    end: int
    meanings: tuple[Meaning, ...]  # alternatives, the most frequent first
    certain: bool

    @property
    def main(self) -> Meaning:
        return self.meanings[0]

    @property
    def reliable(self) -> bool:
        """Whether the phrase has hardly any other use in the catalogue."""
        return self.main.trust >= TRUSTED


def find_named(
    text: str,
    *,
    language: str,
    own: str,
    stop_words: Collection[str] = (),
    taken: Collection[str] = (),
    categories: Sequence[str] = (),
    literal: Collection[str] = (),
) -> list[Named]:
    """What phrases of a text name, in order. `own` is the shop's language, in which brands and values are written.

    `taken`: facets that the shopper has set himself, which no phrase filters again. `categories`: slugs that he has
    chosen. `literal`: phrases, folded, that are words like others.
    """
    tokens = _tokens(text, own)
    languages = list(dict.fromkeys([own, language]))
    stems = {each: _tokens(text, each) for each in languages}
    keys = {key for each in languages for key in _keys(stems[each])}
    if not keys:
        return []
    known = meanings(keys, languages)
    spans: list[tuple[int, int, tuple[Meaning, ...]]] = []
    plain = _places_of(tokens, literal)
    place = 0
    while place < len(tokens) and len(spans) < MOST_PHRASES:
        longest = LONGEST_UNSPACED if is_unspaced(tokens[place].surface) else LONGEST
        for end in range(min(place + longest, len(tokens)), place, -1):
            phrase = _joined(tokens[place:end])
            found = {m.facet: m for each in languages for m in known[each].get(_key(stems[each][place:end]), ())}
            if found and plain.isdisjoint(range(place, end)) and not (end == place + 1 and phrase in stop_words):
                ordered = sorted(found.values(), key=lambda each: (-each.products, each.facet))
                spans.append((place, end, tuple(ordered)))
                place = end
                break
        else:
            place += 1
    lines = [value for _, _, all_ in spans for each in all_ if each.facet == "category" for value in each.values]
    shares = coverage({each.facet for _, _, all_ in spans for each in all_}, [*categories, *lines])
    named = []
    for start, end, all_ in spans:
        kept = tuple(each for each in all_ if each.trust >= PREFERRED)
        if not kept:
            continue
        certain = (
            kept[0].trust >= TRUSTED
            and kept[0].facet not in MANY_VALUED
            and not any(each.facet in taken for each in kept)
            and shares.get(kept[0].facet, 0.0) >= COMPLETE
            and _leads(kept[0], start, end, tokens, spans, stop_words, language)
        )
        named.append(Named(_joined(tokens[start:end]), start, end, kept, certain))
    return _without_rivals(named)


def _places_of(tokens: Sequence[Word], phrases: Collection[str]) -> set[int]:
    """The places of the words that stand in one of these phrases."""
    found: set[int] = set()
    for start in range(len(tokens)) if phrases else ():
        for end in range(start + 1, min(start + LONGEST_UNSPACED, len(tokens)) + 1):
            if _joined(tokens[start:end]) in phrases:
                found.update(range(start, end))
    return found


def _leads(
    meaning: Meaning,
    start: int,
    end: int,
    tokens: Sequence[Word],
    spans: Sequence[tuple[int, int, tuple[Meaning, ...]]],
    stop_words: Collection[str],
    language: str,
) -> bool:
    """Whether the phrase stands where a query says what it is about."""
    if meaning.facet.startswith(ATTRIBUTE) and not names_kinds(meaning):
        return True
    stops = [place for place, token in enumerate(tokens) if token.surface in stop_words]
    if any(0 < place < start and tokens[place].surface in PURPOSE for place in stops):
        return False  # "toner for hp", "bag for laptops"
    if meaning.facet != "category" and not names_kinds(meaning):
        return True
    explained = {place for first, last, _ in spans for place in range(first, last)}
    stop = next((place for place in stops if place >= end), len(tokens))
    beside = range(start) if language in HEAD_FIRST else range(end, stop)
    # A number says how large or how many: "laptop 15".
    return all(place in explained or place in stops or tokens[place].surface[0].isdigit() for place in beside)


def names_kinds(meaning: Meaning) -> bool:
    """Whether it says what a thing is, and not what it is like."""
    return meaning.facet.removeprefix(ATTRIBUTE).casefold() in KIND_ATTRIBUTES


def _without_rivals(named: list[Named]) -> list[Named]:
    """Two different values of one facet cannot both be filters: "laptop bag", "black and white"."""
    facets = [each.main.facet for each in named if each.certain or each.main.facet.startswith(ATTRIBUTE)]
    return [
        Named(each.phrase, each.start, each.end, each.meanings, each.certain and facets.count(each.main.facet) == 1)
        for each in named
    ]


def _tokens(text: str, language: str) -> list[Word]:
    """Words, and in scripts without spaces characters, as phrases begin anywhere there."""
    tokens: list[Word] = []
    for word in words(text, language):
        if is_unspaced(word.surface):
            tokens += [Word(character, (character,), joins=False) for character in word.surface]
        else:
            tokens.append(word)
    return tokens


def _joined(tokens: Sequence[Word]) -> str:
    return _spaced([token.surface for token in tokens])


def _key(tokens: Sequence[Word]) -> str:
    return _spaced([stem_of(token) for token in tokens])


def _spaced(parts: Sequence[str]) -> str:
    text = ""
    for part in parts:
        text += part if not text or (is_unspaced(part) and is_unspaced(text[-1])) else " " + part
    return text


def _keys(tokens: Sequence[Word]) -> set[str]:
    return {
        _key(tokens[start:end])
        for start in range(len(tokens))
        for end in range(
            start + 1,
            min(start + (LONGEST_UNSPACED if is_unspaced(tokens[start].surface) else LONGEST), len(tokens)) + 1,
        )
    }
