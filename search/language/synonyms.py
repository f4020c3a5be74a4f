"""Synonyms at the time of a search: which other phrases a query's words, or a facet's value, stand for.

Phrases are compared by the stems of their words, so that "sneaker" is met by "Sneakers". Entries are looked up one step
far and never chained.
"""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from catalog.text import TextError, clean_text
from search.models.synonyms import SYNONYMS, Synonym
from search.remembered import Remembered
from search.terms import base_language, fold, words

LONGEST_PHRASE = 5  # words
LONGEST_CHARACTERS = 80
LONGEST_FIELD = 1000  # characters, as the table has it
MOST_PHRASES = 20  # of one field
MOST_ALTERNATIVES = 8  # of one phrase in a query

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})?")
FIRST_UNSPACED = (
    "\u0e00"  # scripts without spaces, and none with stems, begin here; their terms are pairs of characters
)
Key = tuple[str, ...]  # the stems of a phrase


class SynonymError(ValueError):
    """Phrases that cannot be taken; the message is a sentence for who wrote them."""


@dataclass(frozen=True)
class Entry:
    """A row of the table, as it is looked up."""

    finds: tuple[str, ...]
    language: str
    starts_at: dt.datetime | None
    ends_at: dt.datetime | None
    two_way: bool

    def holds(self, language: str, at: dt.datetime) -> bool:
        if self.language and self.language != language:
            return False
        return (self.starts_at is None or self.starts_at <= at) and (self.ends_at is None or at < self.ends_at)


def phrases(text: str) -> list[str]:
    """Read a field: phrases parted by commas, semicolons or lines, cleaned, each once. Raises SynonymError."""
    try:
        # The whole at once and twice: cleaning and folding may bring commas and capitals forth ("&#44;", "™").
        cleaned = fold(fold(clean_text(re.sub(r"[;\r\n]", ",", text))))
    except TextError as error:
        raise SynonymError(f"{error}.") from error
    found: list[str] = []
    for part in re.split("[,;]", cleaned):
        phrase = " ".join(part.split())  # folding makes spaces of some characters
        if not phrase:
            continue
        if len(phrase) > LONGEST_CHARACTERS:
            raise SynonymError(f"“{phrase[:40]}…” has more than {LONGEST_CHARACTERS} characters.")
        key = key_of(phrase, settings.LANGUAGE_CODE)
        if not key:
            raise SynonymError(f"“{phrase}” holds no word that could be searched for.")
        if len(key) > LONGEST_PHRASE:
            raise SynonymError(f"“{phrase}” has more than {LONGEST_PHRASE} words.")
        # By the text, not by the stems: "grey" and "greys" are the same to a query, but not to a facet.
        found.append(phrase)
    found = list(dict.fromkeys(found))
    if len(found) > MOST_PHRASES or len(", ".join(found)) > LONGEST_FIELD:
        raise SynonymError(f"At most {MOST_PHRASES} phrases and {LONGEST_FIELD:,} characters; make a second entry.")
    return found


def clean(row: Synonym) -> None:
    """Bring a row into its canonical form. Raises ValidationError with a sentence for each field at fault."""
    errors: dict[str, str] = {}
    texts = {"words": row.words, "also": row.also if row.kind == Synonym.Kind.ONE_WAY else ""}
    found: dict[str, list[str]] = {"words": [], "also": []}
    for name, text in texts.items():
        try:
            found[name] = phrases(text)
        except SynonymError as error:
            errors[name] = str(error)
    if not errors:
        if row.kind == Synonym.Kind.TWO_WAY and len(found["words"]) < 2:
            errors["words"] = "Give two phrases or more, parted by commas."
        elif not found["words"]:
            errors["words"] = "Give a word or a phrase."
        elif row.kind == Synonym.Kind.ONE_WAY and not set(found["also"]) - set(found["words"]):
            errors["also"] = "Give what the words find besides themselves."
    if row.language and not _LANGUAGE.fullmatch(row.language):
        errors["language"] = "A code such as en, de or pt-br; or leave it empty."
    if row.starts_at and row.ends_at and row.ends_at <= row.starts_at:
        errors["ends_at"] = "It must end after it starts."
    if errors:
        raise ValidationError(errors)
    row.words, row.also = (", ".join(found[name]) for name in ("words", "also"))


def key_of(phrase: str, language: str) -> Key:
    """What phrases are compared by: the stem of each word; of text without spaces between words, each run as it is."""
    return tuple(
        word.surface if word.surface[0] >= FIRST_UNSPACED else word.terms[0] for word in words(phrase, language)
    )


class Lexicon:
    """All enabled entries, by the stems of the phrases that lead to them (made once for each language asked for)."""

    def __init__(self, entries: Iterable[tuple[Sequence[str], Entry]]) -> None:
        self._entries = [(tuple(typed), entry) for typed, entry in entries]
        self._by_key: dict[str, dict[Key, list[Entry]]] = {}
        self._by_text: defaultdict[str, list[Entry]] = defaultdict(list)
        for typed, entry in self._entries:
            for phrase in typed:
                self._by_text[phrase].append(entry)

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(entry.language for _, entry in self._entries if entry.language)

    def leading_from(self, key: Key, language: str) -> list[Entry]:
        if language not in self._by_key:
            index: defaultdict[Key, list[Entry]] = defaultdict(list)
            for typed, entry in self._entries:
                for each in {key_of(phrase, language) for phrase in typed}:
                    index[each].append(entry)
            self._by_key[language] = dict(index)
        return self._by_key[language].get(key, [])

    def equals_of(self, text: str) -> list[Entry]:
        """The entries of a facet's value, which is compared as a whole and without stems."""
        return self._by_text.get(text, [])


def _load() -> Lexicon:
    entries = []
    for row in Synonym.objects.filter(enabled=True).order_by("id"):
        try:
            typed, also = phrases(row.words), phrases(row.also)
        except SynonymError:  # a row that was written past the form finds nothing, and breaks nothing
            continue
        two_way = row.kind == Synonym.Kind.TWO_WAY
        finds = tuple(typed if two_way else also)
        language = base_language(row.language) if row.language else ""
        entries.append((typed, Entry(finds, language, row.starts_at, row.ends_at, two_way)))
    return Lexicon(entries)


_lexicon: Remembered[Lexicon] = Remembered(SYNONYMS, _load)


def languages() -> frozenset[str]:
    """The languages that have synonyms of their own."""
    return _lexicon.get().languages


def expand(words: Sequence[str], language: str, at: dt.datetime | None = None) -> dict[str, tuple[str, ...]]:
    """Map the phrases of a query (its words in order, joined by spaces) to the phrases that they find as well.

    The longest phrase at a place is taken, and no word belongs to two. `at` is the moment that schedules are held
    against; None is now. No query most of the time; see `search.remembered`.
    """
    lexicon = _lexicon.get()
    if not lexicon:
        return {}
    language, at = base_language(language), at or timezone.now()
    stems = [key_of(word, language) for word in words]
    found: dict[str, tuple[str, ...]] = {}
    place = 0
    while place < len(words):
        for end in range(min(place + LONGEST_PHRASE, len(words)), place, -1):
            key = tuple(stem for each in stems[place:end] for stem in each)
            if alternatives := _alternatives(lexicon, key, language, at):
                found.setdefault(" ".join(words[place:end]), alternatives)
                place = end
                break
        else:
            place += 1
    return found


def known_words(text: str, *languages: str) -> frozenset[str]:
    """The words of a text, folded, that have synonyms, alone or in a phrase: nobody mistyped those."""
    sequence = [word.surface for word in words(text, settings.LANGUAGE_CODE)]
    return frozenset(
        part for language in languages for phrase in expand(sequence, language) for part in phrase.split(" ")
    )


def _alternatives(lexicon: Lexicon, key: Key, language: str, at: dt.datetime) -> tuple[str, ...]:
    found = {
        phrase: None
        for entry in lexicon.leading_from(key, language)
        if entry.holds(language, at)
        for phrase in entry.finds
        if key_of(phrase, language) != key
    }
    return tuple(found)[:MOST_ALTERNATIVES]


def equals(value: str, language: str, at: dt.datetime | None = None) -> tuple[str, ...]:
    """The folded forms of a facet's value that mean the same by two-way synonyms, its own first; sorted after that.

    Just the folded value where it has none.
    """
    lexicon, own = _lexicon.get(), fold(value).strip()
    language, at = base_language(language), at or timezone.now()
    same = {
        phrase
        for entry in (lexicon.equals_of(own) if lexicon else [])
        if entry.two_way and entry.holds(language, at)
        for phrase in entry.finds
    }
    return (own, *sorted(same - {own}))


def found_by(value: str, language: str, at: dt.datetime | None = None) -> tuple[str, ...]:
    """As `equals`, and with what a one-way synonym leads to: what a filter on the value finds."""
    lexicon, own = _lexicon.get(), fold(value).strip()
    language, at = base_language(language), at or timezone.now()
    entries = lexicon.equals_of(own) if lexicon else []
    also = {phrase for entry in entries if entry.holds(language, at) for phrase in entry.finds}
    return (own, *sorted(also - {own}))


def spellings(value: str) -> Iterator[str]:
    """How catalogues write a value of which only the folded form is known."""
    yield from dict.fromkeys((value, value.capitalize(), value.title(), value.upper()))
