"""Words to stay away from, by marker and by minus, in several languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.language.negation import find_negations


def negated(text: str, *languages: str, **options: object) -> list[str]:
    found = find_negations(text, languages or ("en",), stop_words={"a", "the", "for", "with", "or"}, **options)
    return [each.words for each in found]


@pytest.mark.parametrize(
    ("text", "languages", "expected"),
    [
        ("shoes without laces", ("en",), ["laces"]),
        ("laptop without optical drive", ("en",), ["optical drive"]),
        ("shoes w/o laces", ("en",), ["laces"]),
        ("without laces shoes", ("en",), ["laces"]),
        ("bag without a strap for men", ("en",), ["strap"]),
        ("phone not apple or samsung", ("en",), ["apple", "samsung"]),
        ("laptop -hp -dell", ("en",), ["hp", "dell"]),
        ("schuhe ohne schnürsenkel", ("de",), ["schnürsenkel"]),
        ("robe sans manches", ("fr",), ["manches"]),
        ("camiseta sin mangas", ("es",), ["mangas"]),
        ("鞋 不要 皮革", ("zh",), ["皮革"]),
        ("椅子 革なし", ("ja",), ["革"]),
    ],
)
def test_negations_are_read(text, languages, expected):
    assert negated(text, *languages) == expected


@pytest.mark.parametrize(
    "text", ["usb-c cable", "temperature -5", "t-shirt", "-hp", "without", "knot", "a - b", "x -1", "sin city"]
)
def test_hyphens_and_lone_words_are_not(text):
    assert negated(text) == []


def test_another_languages_marker_is_a_word():
    assert negated("sin city poster", "en") == []
    assert negated("camiseta sin mangas", "en", "es") == ["mangas"]


def test_what_the_catalogue_says_just_so_is_no_negation():
    assert negated("souris sans fil", "fr", stands=lambda marker, word: (marker, word) == ("sans", "fil")) == []


def test_a_phrase_that_the_catalogue_knows_ends_the_negation():
    two = lambda words: 2 if list(words[:2]) == ["touch", "screen"] else 0  # noqa: E731
    assert negated("laptop without touch screen silver", "en", longest_known=two) == ["touch screen"]


@given(st.text(max_size=80))
def test_any_text_can_be_read(text):
    found = find_negations(text, ("en", "de", "fr", "es", "zh", "ja"))
    ends = [0]
    for each in found:
        assert ends[-1] <= each.start < each.end <= len(text)
        ends.append(each.end)
