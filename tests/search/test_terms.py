"""What is a term, and what it weighs."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from search.terms import document_terms, fold, joined, languages, query_terms, term_id, word_terms, words

OTHERS = languages(except_="en")


def terms_of(text: str, language: str = "en") -> set[str]:
    return {term for word in words(text, language) for term in word.terms}


def score(query: str, **fields: str) -> float:
    """Without idf: how much of the query the product has."""
    document = dict(zip(*document_terms({name: [(text, "en")] for name, text in fields.items()}, "en"), strict=True))
    return sum(weight * document.get(index, 0.0) for index, weight in zip(*query_terms(query, "en"), strict=True))


def translated(query: str, text: str, language: str) -> float:
    document = dict(zip(*document_terms({"translations": [(text, language)]}, "en"), strict=True))
    asked = query_terms(query, "en", OTHERS)
    return sum(weight * document.get(index, 0.0) for index, weight in zip(*asked, strict=True))


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("laptops", "Laptop"),
        ("dv7-1211ea", "HP dv7-1211ea"),
        ("dv7 1211ea", "HP dv7-1211ea"),
        ("1211ea", "HP dv7-1211ea"),
        ("2 tb", "Drive 2TB"),
        ("2TB", "Drive 2 TB"),
        ("iphone 7", "iPhone7 cover"),
        ("iphone7", "iPhone 7 cover"),
        ("note book", "Notebook"),
        ("notebook", "note book"),
        ("wifi", "Wi-Fi router"),
        ("wi-fi", "WIFI router"),
        ("women shoes", "Women’s shoes"),
        ("cafe", "Café"),
        ("CAFÉ", "cafe"),
        ("りんご", "おいしいりんごジュース"),
        ("茶", "緑茶"),
        ("ÅNGSTRÖM", "angstrom"),
    ],
)
def test_a_query_finds_other_ways_to_write_it(query, title):
    assert score(query, title=title) > 0


@pytest.mark.parametrize(("query", "title"), [("case", "cash box"), ("2tb", "4TB"), ("it", "kit"), ("пщ", "table")])
def test_what_merely_looks_alike_is_not_found(query, title):
    assert score(query, title=title) == 0


@pytest.mark.parametrize(
    ("query", "text", "language"),
    [("Äpfel", "Apfel", "de"), ("pommes", "Pomme rouge", "fr"), ("苹果", "红苹果", "zh"), ("яблоки", "яблоко", "ru"),
     ("jabłka", "jabłko", "pl"), ("täpp", "Täpp", "xx")],
)  # fmt: skip
def test_translations_are_found_in_their_own_language(query, text, language):
    assert translated(query, text, language) > 0


def test_another_languages_stem_never_meets_the_shops_own_words():
    own = set(document_terms({"title": [("cas", "en")]}, "en")[0])
    assert not own & set(query_terms("case", "en", OTHERS)[0])


def test_a_title_counts_more_than_a_description():
    assert score("chair", title="chair") > score("chair", description="chair")


def test_a_short_title_counts_more_than_a_long_one():
    assert score("chair", title="chair") > score("chair", title="chair " + "word " * 30)


def test_repetition_is_worth_less_and_less():
    once, twice, often = (score("chair", description="chair " * n) for n in (1, 2, 50))
    assert once < twice
    assert often < 2 * once + 1


def test_neighbours_count_more_than_words_apart():
    assert score("hdmi cable", title="red hdmi cable long") > score("hdmi cable", title="hdmi red long cable")


def test_й_keeps_its_mark_and_kana_keep_theirs():
    assert fold("Йод") == "йод"
    assert fold("が") == "が"


def test_each_word_of_a_query_is_told_apart():
    assert [word for word, _ in word_terms("Laptop laptop case", "en")] == ["laptop", "case"]


def test_ids_are_stable():
    """They are stored in every index; another hash would silently find nothing."""
    assert term_id("laptop") == 758117236


@given(st.text(max_size=300))
def test_any_text_gives_sound_vectors(text):
    for indices, values in (document_terms({"title": [(text, "en")]}, "en"), query_terms(text, "en", OTHERS)):
        assert len(indices) == len(values)
        assert indices == sorted(set(indices))
        assert all(0 <= index < 2**32 for index in indices)
        assert all(0 < value <= 1 for value in values)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=40))
def test_a_title_is_found_by_itself(title):
    assume(words(title, "en"))  # a few letters are folded to a space and a mark
    assert score(title, title=title) > 0


@given(st.lists(st.text(max_size=20), max_size=5))
def test_joined_terms_are_made_of_neighbours(parts):
    sequence = words(" ".join(parts), "xx")
    assert len(joined(sequence, "xx")) <= max(len(sequence) - 1, 0)
