"""Words that carry no meaning of their own in a query, by language: Snowball's lists, of the package `stop-words`."""

from functools import cache

from stop_words import LANGUAGE_MAPPING, get_stop_words

from search.terms import base_language, fold

# The package says "cz" for Czech; the lists of unspaced scripts are ours: particles that stand between words.
_CODES = {"cs": "cz", "no": "nb"}
_PARTICLES = {
    "ja": ("の", "は", "が", "を", "に", "で", "と", "も"),
    "zh": ("的", "了", "和", "与", "我", "要", "一个", "请"),
}


@cache
def stop_words(language: str) -> frozenset[str]:
    """Folded stop words of a language; empty for one without a list."""
    language = base_language(language)
    if language in _PARTICLES:
        return frozenset(_PARTICLES[language])
    code = _CODES.get(language, language)
    return frozenset(map(fold, get_stop_words(code))) if code in LANGUAGE_MAPPING else frozenset()


# Languages that can be told by their stop words. Vietnamese has syllables for words, and Hindi a script of its own.
LANGUAGES = (
    "ca",
    "cs",
    "da",
    "de",
    "en",
    "es",
    "fi",
    "fr",
    "hu",
    "id",
    "it",
    "nb",
    "nl",
    "pl",
    "pt",
    "ro",
    "sk",
    "sv",
    "tr",
)
