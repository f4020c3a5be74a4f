"""The catalogue's own words, as a process holds them: which there are, how frequent, what they stand in and beside.

Words are folded (`search.terms.fold`) and counted by the products that have them, language by language. Everything here
is read-only and the same in every process; a newer vocabulary is noticed within `CHECK_SECONDS` and loaded whole.
"""

import threading
import time
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from functools import cached_property, lru_cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson
from django.conf import settings
from django.db import DatabaseError, transaction

from catalog.per_shop import PerShop
from search.models.vocabulary import Vocabulary
from search.terms import base_language

P = ParamSpec("P")
T = TypeVar("T")

# Where a word stands, as bits.
TITLE, CATEGORY, ATTRIBUTE, BRAND, CODE, DESCRIPTION = (1 << bit for bit in range(6))
HEADLINE = TITLE | CATEGORY | BRAND  # what people ask for; the rest tells what it is like
WINDOW = 5  # words apart that still stand near each other
CHECK_SECONDS = 15.0
# Counted up with every change of what is kept or how it is counted: then it is counted anew.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Count:
    """How often the catalogue has a word."""

    documents: int  # products that have it anywhere
    headlines: int  # products that have it in title, brand, category or kind
    kinds: int  # bits

    @property
    def weight(self) -> float:
        """Expected share in queries, up to a factor: people ask for what a thing is rather than what it is like."""
        return self.headlines + 0.1 * (self.documents - self.headlines) + 0.1


@dataclass(frozen=True, eq=False)
class Words:
    """The words of one language."""

    counts: Mapping[str, Count] = field(default_factory=dict)
    # word -> the words that follow it in titles and names, with the number of products; the most frequent first
    followers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    # word -> words, later in the alphabet, that stand near it in titles in either order, with the number of products
    near: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)  # folded -> with its accents, where it has any

    @cached_property
    def weight(self) -> float:
        """Of all words together; tokens with digits are none."""
        return sum(count.weight for word, count in self.counts.items() if word.isalpha()) or 1.0

    def follows(self, word: str, before: str) -> int:
        """In how many products `word` stands right behind `before`."""
        return self.followers.get(before, {}).get(word, 0)

    def together(self, one: str, other: str) -> int:
        """In how many products the two stand near each other."""
        return self.near.get(min(one, other), {}).get(max(one, other), 0)

    @cached_property
    def sorted(self) -> list[str]:
        return sorted(self.counts)

    def with_accents(self, word: str) -> str:
        return self.shown.get(word, word)


NO_WORDS = Words()


@dataclass(frozen=True, eq=False)  # equal only to itself, so that it can be a key
class Lexicon:
    """The words of every language. `version` is 0 before the first vocabulary was built."""

    version: int = 0
    products: int = 0
    languages: Mapping[str, Words] = field(default_factory=dict)
    # Words of everyday language that the text encoder knows, with their ranks by frequency, counted from 1.
    general: Mapping[str, int] = field(default_factory=dict)
    memories: dict[Any, Callable[..., Any]] = field(default_factory=dict, repr=False)  # see `remembered`

    def of(self, language: str) -> Words:
        return self.languages.get(base_language(language), NO_WORDS)

    def find(self, word: str) -> Iterator[Count]:
        """The counts of a folded word in each language that has it."""
        for words in self.languages.values():
            if (count := words.counts.get(word)) is not None:
                yield count

    def knows(self, word: str) -> bool:
        return next(self.find(word), None) is not None


@dataclass
class _Held:
    lexicon: Lexicon = field(default_factory=Lexicon)
    checked: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


_held: PerShop[_Held] = PerShop(_Held)


def remembered(
    maxsize: int,
) -> Callable[[Callable[Concatenate[Lexicon, P], T]], Callable[Concatenate[Lexicon, P], T]]:
    """`functools.lru_cache` for a function of a lexicon, which ends with it: as part of a key of one that all share,
    every lexicon that was replaced would stay in memory, megabytes each, until thousands of other queries had come.
    """

    def decorate(function: Callable[Concatenate[Lexicon, P], T]) -> Callable[Concatenate[Lexicon, P], T]:
        @wraps(function)
        def call(lexicon: Lexicon, *args: P.args, **kwargs: P.kwargs) -> T:
            memory = lexicon.memories.get(function)
            if memory is None:
                own = weakref.ref(lexicon)  # a lexicon that knew itself would wait for the collector
                made = lru_cache(maxsize)(lambda *given: function(own(), *given))  # type: ignore[arg-type, call-arg]
                memory = lexicon.memories.setdefault(function, made)
            found: T = memory(*args, **kwargs)
            return found

        return call

    return decorate


def current() -> Lexicon:
    """The vocabulary, at most CHECK_SECONDS behind the database; empty before the first one was built.

    Where the database does not answer, the one that is held stays: spelling is a courtesy, and never fails a search.
    """
    held = _held.here
    if time.monotonic() - held.checked < CHECK_SECONDS:
        return held.lexicon
    # While one thread loads, the others go on with what there is, unless there is nothing yet.
    if not held.lock.acquire(blocking=held.lexicon.version == 0):
        return held.lexicon
    try:
        if time.monotonic() - held.checked >= CHECK_SECONDS:
            held.lexicon = _newest(held.lexicon)
            held.checked = time.monotonic()
    except DatabaseError:
        held.checked = time.monotonic()
    finally:
        held.lock.release()
    return held.lexicon


def forget() -> None:
    """Look into the database at the next call."""
    _held.forget()


def _newest(held: Lexicon) -> Lexicon:
    with transaction.atomic():  # on PostgreSQL a failed query would end the caller's transaction
        version = Vocabulary.objects.order_by("-id").values_list("id", flat=True).first()
        if version is None:
            return Lexicon()
        if version == held.version:
            return held
        row = Vocabulary.objects.filter(id=version).values_list("id", "products", "content").first()
    return held if row is None else unpack(row[0], row[1], bytes(row[2])) or held


def pack(languages: Mapping[str, Words], general: Iterable[str] = ()) -> bytes:
    """All of it as JSON, in one order, so that the same words are the same bytes."""
    told = {
        language: {
            "words": {word: [*astuple(count)] for word, count in sorted(words.counts.items())},
            "followers": {word: dict(followers) for word, followers in sorted(words.followers.items())},
            "near": {word: dict(others) for word, others in sorted(words.near.items())},
            "shown": dict(sorted(words.shown.items())),
        }
        for language, words in sorted(languages.items())
    }
    return orjson.dumps({"format": FORMAT, "languages": told, "general": list(general)})


def compress(content: bytes) -> bytes:
    return zlib.compress(content, 6)


def unpack(version: int, products: int, content: bytes) -> Lexicon | None:
    """The vocabulary of a row; None for one that another release of the shop has written."""
    read = orjson.loads(zlib.decompress(content))
    if read.get("format") != FORMAT:
        return None
    languages = {
        language: Words(
            {word: Count(*numbers) for word, numbers in told["words"].items()},
            told["followers"],
            told["near"],
            told["shown"],
        )
        for language, told in read["languages"].items()
    }
    return Lexicon(version, products, languages, {word: rank for rank, word in enumerate(read["general"], start=1)})


def own_language() -> str:
    """The shop's own."""
    return base_language(settings.LANGUAGE_CODE)
