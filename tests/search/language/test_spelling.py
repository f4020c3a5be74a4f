"""Corrections against a catalogue's own words: what is corrected, what never is, and that nothing breaks it."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.language import spelling, vocabulary
from search.language.keyboard import ROWS, likelihood, neighbours
from search.language.spelling import Correction, correct
from search.language.vocabulary import ATTRIBUTE, BRAND, CODE, TITLE, Count, Lexicon, Words

TITLES = {
    "laptop": 400, "bag": 300, "gaming": 200, "mouse": 260, "keyboard": 180, "usb": 900, "cable": 700, "hdmi": 150,
    "headphones": 150, "notebook": 500, "desk": 60, "wireless": 220, "tablet": 90, "table": 40, "black": 2000,
    "charger": 120, "battery": 300, "speaker": 80, "speakers": 70, "microsd": 11, "micro": 120, "sd": 60, "card": 300,
    "note": 3, "book": 9, "pc": 200, "rechargeable": 60,
}  # fmt: skip
COUNTS = {word: Count(number, number, TITLE) for word, number in TITLES.items()} | {
    "samsung": Count(300, 300, TITLE | BRAND),
    "dela": Count(1, 1, BRAND),
    "qwxz": Count(1, 0, CODE),
    "tabel": Count(1, 0, ATTRIBUTE),  # the catalogue's own misspelling
}
FOLLOWERS = {"usb": {"cable": 300}, "gaming": {"mouse": 80, "keyboard": 60}, "micro": {"sd": 40}}
NEAR = {"gaming": {"mouse": 90}, "bag": {"laptop": 120}, "cable": {"usb": 400}}
GENERAL = {word: rank for rank, word in enumerate(["the", "house", "table", "hearing", "sweater", "mouse"], start=1)}
LEXICON = Lexicon(
    1,
    20_000,
    {
        "en": Words(COUNTS, FOLLOWERS, NEAR),
        "de": Words({"stuhle": Count(40, 40, TITLE), "kabel": Count(80, 80, TITLE)}, shown={"stuhle": "stühle"}),
    },
    GENERAL,
)
KNOWN = sorted(word for word, count in COUNTS.items() if count.documents > 10)


@pytest.fixture(autouse=True)
def lexicon(monkeypatch):
    monkeypatch.setattr(vocabulary, "current", lambda: LEXICON)
    return LEXICON


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("laptpo", "laptop"),  # swapped
        ("gaming mose", "gaming mouse"),  # left out
        ("hedadphones", "headphones"),  # added
        ("keybosrd", "keyboard"),  # a neighbouring key
        ("Wireles MOUSE", "wireless MOUSE"),  # only what is wrong changes
        ("samsnug tablet", "samsung tablet"),  # a brand that is misspelt is no brand
        ("rechargable batery", "rechargeable battery"),
        ("usbcable", "usb cable"),
        ("note book", "notebook"),
        ("laptop, blakc!", "laptop, black!"),
    ],
)
def test_errors_are_corrected(typed, meant):
    found = correct(typed, "en")
    assert (found.text, found.certain) == (meant, True)
    assert found.changes


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "laptop bag",
        "dv7-1211ae",
        "mouse4",
        "10 laptpo2",
        "samsung",
        "dela",  # a brand, however near to others
        "qwxz",  # a code
        "micro sd card",  # both words are good, and stand side by side
        '"laptpo"',
        "“laptpo bag”",
        "折りたたみ椅子",
        "ノートパソコン",
        "hearing",  # an everyday word that the shop does not have
        "sweaters",  # a longer form of one
        "xkqjvhtz",
        "asdkjhasd",
        "l" * 31,
        "laptpo " * 100,  # longer than is looked at
    ],
)
def test_what_is_right_or_unknowable_stays(typed):
    assert correct(typed, "en") == Correction(typed)


def test_a_word_in_another_language_is_known_and_corrected_with_its_accents():
    assert correct("stuhle", "en").changes == ()
    found = correct("stülhe", "de")
    assert found.text == "stühle"


def test_a_longer_form_of_a_known_word_is_right():
    assert correct("kabels", "de").changes == ()


def test_a_neighbour_decides_between_candidates():
    # Alone it could be either; after "gaming" the catalogue has nothing but mice.
    assert correct("gaming mosue", "en").text == "gaming mouse"
    assert correct("laptop bga", "en").text == "laptop bag"


def test_a_doubtful_correction_is_offered_and_not_certain(monkeypatch):
    monkeypatch.setattr(spelling, "CERTAIN", 0.999999)
    vocabulary.current().memories.clear()
    found = correct("laptpo", "en")
    assert found.changes == (("laptpo", "laptop"),)
    assert not found.certain
    vocabulary.current().memories.clear()


def test_nothing_is_corrected_before_there_is_a_vocabulary(monkeypatch):
    monkeypatch.setattr(vocabulary, "current", Lexicon)
    assert correct("laptpo", "en") == Correction("laptpo")


@given(st.text(max_size=60), st.sampled_from(["en", "de", "ja", "zz", ""]))
def test_any_text_is_taken(q, language):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary, "current", lambda: LEXICON)
        found = correct(q, language)
        assert found == correct(q, language), "the same every time"
        assert (found.text == q) == (not found.changes)
        kept = {token for token in q.split() if any(character.isdigit() for character in token)}
        assert kept <= set(found.text.split()), "tokens with digits stay as they are"


@given(st.lists(st.sampled_from(KNOWN), min_size=1, max_size=6))
def test_known_words_stay(known):
    # Pairs that together are one word of the catalogue are another matter.
    known = [word for word in known if word not in ("note", "book", "micro", "sd")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary, "current", lambda: LEXICON)
        assert correct(" ".join(known), "en").changes == ()


@given(st.text(string.ascii_lowercase, min_size=12, max_size=24))
def test_random_letters_are_not_made_into_words(letters):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary, "current", lambda: LEXICON)
        assert not correct(letters, "en").certain


def test_the_work_is_bounded(monkeypatch):
    looked_up = []
    near = spelling._Index.near
    monkeypatch.setattr(
        spelling._Index, "near", lambda self, word, errors: looked_up.append(word) or near(self, word, errors)
    )
    correct(" ".join(f"zq{chr(97 + place)}mvwpx" for place in range(26)), "en")
    assert len(set(looked_up)) <= spelling.MOST_LOOKED_UP


@pytest.mark.parametrize("layout", ROWS)
def test_keys_lie_beside_each_other(layout):
    around = neighbours(layout)
    assert all(letter in around[other] for letter, others in around.items() for other in others)
    assert all(2 <= len(others) <= 8 for others in around.values())


def test_fingers_slip_to_the_next_key_and_swap_letters():
    assert likelihood("mousr", "mouse") > likelihood("mousk", "mouse")
    assert likelihood("mosue", "mouse") > likelihood("mowse", "mouse")
    assert likelihood("mouuse", "mouse") > likelihood("mouxse", "mouse")
    assert likelihood("mouse", "mouse") == 1.0
    assert likelihood("taz", "tat", "qwertz") > likelihood("taz", "tat", "qwerty")
    assert "z" in neighbours("qwertz")["t"]
    assert "z" not in neighbours("qwerty")["t"]
