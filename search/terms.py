"""Words as sparse vectors: what is a term, how much it weighs in a product, and what a query asks for.

The weights follow BM25F (Robertson and Zaragoza, "Simple BM25 extension to multiple weighted fields", CIKM 2004): the
frequencies of a term are weighted and length-normalised field by field, added up, and saturated once. That part depends
on the product alone and is what the index stores; the inverse document frequency depends on the whole catalogue and is
multiplied in by Qdrant (modifier `idf`) at query time, so a product's vector stays right when others come and go.

The average lengths of fields are constants and not statistics of the catalogue, for the same reason: a vector that
depended on its neighbours would have to be rewritten whenever they change.
"""

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

import Stemmer

Sparse = tuple[list[int], list[float]]  # indices (ascending, unsigned 32 bit) and their values


@dataclass(frozen=True)
class FieldWeight:
    weight: float
    normalisation: float  # BM25's b: 0 ignores the field's length, 1 divides by it
    average_length: float  # in terms


FIELDS: dict[str, FieldWeight] = {
    "title": FieldWeight(3.0, 0.6, 9),
    "codes": FieldWeight(1.0, 0.0, 3),
    "brand": FieldWeight(1.0, 0.0, 1.5),
    "category": FieldWeight(2.0, 0.3, 4),
    "kind": FieldWeight(2.0, 0.3, 1),
    "attributes": FieldWeight(1.0, 0.75, 20),
    "translations": FieldWeight(2.0, 0.0, 30),
    "description": FieldWeight(1.0, 0.6, 10),
}
SATURATION = 0.8  # BM25's k1, on the scale of the weights above
# Neighbouring words joined into one term: "note book" finds "notebook", "2 tb" finds "2TB", and a product that has the
# query's words side by side gets a little more than one that has them far apart.
JOINED_WEIGHT = 0.3
# Words of translations are terms of their own, so that another language's stems never meet the shop's own words: "case"
# is no "cas". A match there counts a little less.
FOREIGN = "~"
FOREIGN_WEIGHT = 0.6
PART_WEIGHT = 0.5
MAX_WORDS_IN_QUERY = 32

_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish",
    "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "nb": "norwegian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
# Scripts written without spaces between words: cut into overlapping pairs of characters.
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:[-./+&'’][^\W_{_UNSPACED}]+)*")
_UNSPACED_TEXT = re.compile(rf"[{_UNSPACED}]")
_PARTS = re.compile(r"[-./+&'’]")
_LETTERS_OR_DIGITS = re.compile(r"\d+|[^\d\W]+")
_POSSESSIVE = re.compile(r"['’]s\b")
_UNDECOMPOSED = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i"})


@cache
def _stemmer(language: str) -> Stemmer.Stemmer | None:
    name = _STEMMERS.get(base_language(language))
    # Its own memory of 10,000 words keeps a list of each, of the 31 languages that a query is tried in, for nothing:
    # stemming a word anew takes less than a microsecond.
    return Stemmer.Stemmer(name, 0) if name else None


def fold(text: str) -> str:
    """Lower case, one form of each character, no accents on letters that are the same word without them."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept: list[str] = []
    for character in decomposed:
        # й is a letter of its own, and the voicing marks of kana (U+3099) are not accents.
        if "\u0300" <= character <= "\u036f" and not (kept and kept[-1] == "и"):
            continue
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept)).translate(_UNDECOMPOSED)


@dataclass(frozen=True)
class Word:
    """One word of a text: its surface, and the terms that it is found under."""

    surface: str
    terms: tuple[str, ...]
    joins: bool  # may be joined with its neighbour


def words(text: str, language: str) -> list[Word]:
    """Cut a text into words with their terms; model numbers and units stay whole and are split as well."""
    return [_word(surface, language) for surface in _WORD.findall(_POSSESSIVE.sub("", fold(text)))]


# A catalogue says the same few words again and again.
@lru_cache(maxsize=20_000)
def _word(surface: str, language: str) -> Word:
    if _UNSPACED_TEXT.match(surface):
        pairs = [surface[i : i + 2] for i in range(len(surface) - 1)]
        return Word(surface, tuple(pairs or [surface]), joins=False)
    parts = _PARTS.split(surface)
    whole = "".join(parts)
    terms = [_stem(whole, language), *(_stem(part, language) for part in parts)]
    if len(parts) == 1 and len(pieces := _LETTERS_OR_DIGITS.findall(whole)) == 2 and len(pieces[0]) > 2:
        terms += [_stem(piece, language) for piece in pieces]  # "iphone7", but not "2tb" or "x5"
    return Word(surface, tuple(dict.fromkeys(terms)), joins=len(parts) == 1)


def _stem(word: str, language: str) -> str:
    stemmer = _stemmer(language)
    return stemmer.stemWord(word) if stemmer and not word.isdigit() else word


def is_unspaced(surface: str) -> bool:
    """Whether a word is of a script without spaces; such a "word" may be a whole sentence."""
    return bool(_UNSPACED_TEXT.match(surface))


def joined(sequence: Sequence[Word], language: str) -> list[str]:
    """Terms for each pair of neighbours, written as one word."""
    return [_stem(a.surface + b.surface, language) for a, b in pairwise(sequence) if a.joins and b.joins]


@lru_cache(maxsize=20_000)
def term_id(term: str) -> int:
    """A stable unsigned 32-bit id. A million terms share about a hundred ids, which relevance does not notice."""
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=4).digest(), "big")


def document_terms(fields: Mapping[str, Iterable[tuple[str, str]]], language: str) -> Sparse:
    """Weigh a product's terms. `fields` maps a name of FIELDS to its texts, each with its language ("en").

    `language` is the shop's own. Values are saturated frequencies between 0 and 1, without the inverse document
    frequency.
    """
    frequencies: defaultdict[str, float] = defaultdict(float)
    for name, texts in fields.items():
        field = FIELDS[name]
        counts: Counter[str] = Counter()
        length = 0
        for text, written_in in texts:
            sequence = words(text, written_in)
            length += len(sequence)
            terms = [term for word in sequence for term in word.terms] + joined(sequence, written_in)
            if base_language(written_in) != base_language(language):
                terms = [term if _UNSPACED_TEXT.match(term) else FOREIGN + term for term in terms]
            counts.update(terms)
            counts.update(_characters(sequence))
        share = field.weight / (1 - field.normalisation + field.normalisation * length / field.average_length)
        for term, count in counts.items():
            frequencies[term] += count * share
    return _sparse({term: frequency / (frequency + SATURATION) for term, frequency in frequencies.items()})


def _characters(sequence: Sequence[Word]) -> list[str]:
    """A text in an unspaced script is also found by one of its characters."""
    unspaced = [word.surface for word in sequence if _UNSPACED_TEXT.match(word.surface) and len(word.surface) > 1]
    return [character for surface in unspaced for character in dict.fromkeys(surface)]


def query_terms(text: str, language: str, others: Sequence[str] = (), *, without: Container[str] = ()) -> Sparse:
    """What a query asks for: its terms with weights, to be multiplied by Qdrant's idf.

    `language` is the shop's; `others` are further languages whose stems are tried too; `without` holds words, folded,
    that are left out.
    """
    sequence = [word for word in words(text, language) if word.surface not in without][:MAX_WORDS_IN_QUERY]
    asked: dict[str, float] = {}
    for word in sequence:
        for term, weight in _asked_by(word, others).items():
            asked[term] = max(weight, asked.get(term, 0.0))
    for term in joined(sequence, language):
        asked.setdefault(term, JOINED_WEIGHT)
    return _sparse(asked)


def word_terms(text: str, language: str, others: Sequence[str] = ()) -> list[tuple[str, Sparse]]:
    """The different words of a query, each with the terms that it alone asks for."""
    found = {word.surface: word for word in words(text, language)[:MAX_WORDS_IN_QUERY]}
    return [(surface, _sparse(_asked_by(word, others))) for surface, word in found.items()]


def languages(*, except_: str) -> list[str]:
    """The languages whose words can be stemmed, but for one."""
    return [language for language in _STEMMERS if language != base_language(except_)]


@cache
def base_language(code: str) -> str:
    """ "pt" of "pt-BR" and of "pt_BR"."""
    return code.lower().replace("_", "-").split("-")[0]


def _asked_by(word: Word, others: Sequence[str]) -> dict[str, float]:
    """Terms of one word with weights. The parts of a model number are weaker evidence than the whole."""
    if _UNSPACED_TEXT.match(word.surface):
        return dict.fromkeys(word.terms, 1.0)
    asked = {term: 1.0 if position == 0 else PART_WEIGHT for position, term in enumerate(word.terms)}
    surface = _PARTS.sub("", word.surface)
    for stemmer in (_stemmer(other) for other in others):
        asked.setdefault(FOREIGN + (stemmer.stemWord(surface) if stemmer else surface), FOREIGN_WEIGHT)
    if others:
        asked.setdefault(FOREIGN + surface, FOREIGN_WEIGHT)  # a language without a stemmer
    return asked


def _sparse(weights: Mapping[str, float]) -> Sparse:
    by_id: dict[int, float] = {}
    for term, weight in weights.items():
        index = term_id(term)
        by_id[index] = max(weight, by_id.get(index, 0.0))
    indices = sorted(by_id)
    return indices, [round(by_id[index], 5) for index in indices]
