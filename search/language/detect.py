"""The language of a query.

Queries are too short for statistics of letters ("laptop" is a word of a dozen languages), so evidence is taken in this
order: the script, where it belongs to one language; which of the catalogue's languages has the words; stop words, which
also tell languages that the catalogue lacks. Where all of it says nothing, it is the shop's own language.
"""

import re
from collections.abc import Sequence

from django.conf import settings

from catalog.per_shop import shop_cache
from search.language import vocabulary
from search.language.stopwords import LANGUAGES, stop_words
from search.terms import base_language, words

# The first script of which a character is found decides; kana before Han, which Japanese writes as well.
_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\u1100-\u11ff\uac00-\ud7af]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("uk", re.compile("[іїєґІЇЄҐ]")),
)
_SHARED = (  # scripts of several languages, the first one where no word tells
    (("zh", "ja"), re.compile("[\u3400-\u9fff]")),
    (("ru", "uk", "bg", "sr"), re.compile("[\u0400-\u04ff]")),
    (("ar", "fa"), re.compile("[\u0600-\u06ff]")),
)


def detect(text: str) -> str:
    """The base code ("de") of the language a query is written in."""
    lexicon = vocabulary.current()
    return _detect(text, base_language(settings.LANGUAGE_CODE), lexicon.version, tuple(sorted(lexicon.languages)))


@shop_cache(maxsize=4096)
def _detect(text: str, own: str, _version: int, catalogue: tuple[str, ...]) -> str:
    for language, script in _SCRIPTS:
        if script.search(text):
            return language
    for candidates, script in _SHARED:
        if script.search(text):
            return _best(text, candidates[0], candidates, catalogue)
    return _best(text, own, sorted({own, *catalogue, *LANGUAGES}), catalogue)


def _best(text: str, default: str, candidates: Sequence[str], catalogue: Sequence[str]) -> str:
    """The candidate that knows the most words; another than the default has to know clearly more."""
    typed = [word.surface for word in words(text, default)]
    lexicon = vocabulary.current()

    def known(language: str) -> float:
        of = lexicon.of(language).counts if language in catalogue else {}
        # One word alone is rarely a stop word: "dell" is a brand before it is Italian.
        stops = stop_words(language) if len(typed) > 1 else frozenset()
        return sum(1.0 if word in of else 0.9 if word in stops else 0.0 for word in typed)

    # A list of emoji names knows fewer words than a shop's titles; of equals the catalogue's language wins.
    scores = {language: known(language) for language in candidates}
    best = max(candidates, key=lambda each: (scores[each], each == default, each in catalogue, -candidates.index(each)))
    return best if scores[best] > scores.get(default, 0.0) else default
