"""Ranked lists into one, and the floor under them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.query.floor import Nearness, asked_weight, nearness, related
from search.query.fusion import WEIGHTS, WEIGHTS_WITH_PICTURE, fuse

NEAR = Nearness(low=0.3, high=0.5)


def ranked(min_score: float, max_score: float):
    pairs = st.dictionaries(st.integers(1, 50), st.floats(min_score, max_score), max_size=30)
    return pairs.map(lambda found: sorted(found.items(), key=lambda each: -each[1]))


@given(ranked(0.1, 20), ranked(-1, 1), st.floats(0.1, 40), st.lists(st.integers(1, 60), unique=True, max_size=3))
def test_scores_fall_ids_are_unique_and_parts_add_up(terms, text, asked, exact):
    found = fuse({"terms": terms, "text": text}, weights=WEIGHTS["hybrid"], exact=exact, asked=asked, near=NEAR)
    assert [each.id for each in found[: len(exact)]] == exact
    rest = [each.score for each in found[len(exact) :]]
    assert rest == sorted(rest, reverse=True)
    assert all(0 < score <= 1 + 1e-9 for score in rest)
    assert len({each.id for each in found}) == len(found)
    for each in found:
        assert sum(part["contribution"] for part in each.parts.values()) == pytest.approx(each.score)


@given(ranked(0.1, 20), ranked(-1, 1))
def test_what_is_taken_away_is_nowhere(terms, text):
    without = {id for id, _ in terms[::2]}
    found = fuse({"terms": terms, "text": text}, weights=WEIGHTS["hybrid"], asked=1.0, near=NEAR, without=without)
    assert not without & {each.id for each in found}


def test_an_exact_code_that_is_unwanted_stays_away():
    assert fuse({"terms": [(1, 5.0)]}, weights=WEIGHTS["lexical"], exact=[1], asked=5.0, without={1}) == []


def test_the_first_of_every_list_scores_1():
    (found,) = fuse({"terms": [(1, 9.0)], "text": [(1, 0.9)]}, weights=WEIGHTS["hybrid"], asked=9.0, near=NEAR)
    assert found.score == pytest.approx(1.0)


def test_with_a_picture_only_what_has_a_near_picture_is_found():
    lists = {"terms": [(1, 9.0), (2, 8.0)], "image": [(2, 0.8), (3, 0.7), (4, 0.1)]}
    found = fuse(lists, weights=WEIGHTS_WITH_PICTURE, asked=9.0)
    assert [each.id for each in found] == [2, 3]


@pytest.mark.parametrize(
    ("coverage", "cosine", "expected"),
    [
        (0.9, None, True),  # the words are there
        (0.0, 0.6, True),  # the meaning is very near
        (0.4, 0.4, True),  # both in part
        (0.4, 0.1, False),
        (0.1, 0.4, False),
        (0.0, None, False),
    ],
)
def test_evidence_of_either_kind_or_of_both_in_part(coverage, cosine, expected):
    assert related(coverage, cosine, NEAR) is expected


def test_an_unknown_word_weighs_as_much_as_the_rarest():
    assert asked_weight({"laptop": 3.0, "xqzvbn": 0.0}, 1000) > 3.0 + 6.0


def test_the_floor_follows_the_encoder(quick_encoders, settings):
    near = nearness(settings.ENCODERS["text"])
    assert 0 < near.low < near.high < 1


def test_with_a_picture_a_word_that_many_have_does_not_outvote_what_looks_alike():
    blue = [(id, 2.0) for id in range(100, 140)]  # all of them "blue", none better than another
    pictures = [(1, 0.95), (2, 0.94), (139, 0.40)]
    found = fuse({"terms": [*blue, (2, 2.0)], "image": pictures}, weights=WEIGHTS_WITH_PICTURE, asked=2.0, near=NEAR)
    assert [each.id for each in found][:2] == [2, 1]


@given(ranked(0.1, 20), ranked(-1, 1), st.floats(0.1, 40))
def test_with_a_picture_too_scores_fall_and_parts_add_up(terms, pictures, asked):
    found = fuse({"terms": terms, "image": pictures}, weights=WEIGHTS_WITH_PICTURE, asked=asked, near=NEAR)
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)
    for each in found:
        assert 0 < each.score <= 1 + 1e-9
        assert sum(part["contribution"] for part in each.parts.values()) == pytest.approx(each.score)


def test_words_that_a_filter_stands_for_are_covered_beside_those_that_were_looked_up():
    found = fuse(
        {"terms": [(1, 2.0)], "text": [(2, NEAR.high)]}, weights=WEIGHTS["hybrid"], asked=10.0, granted=0.5, near=NEAR
    )
    assert {each.id: round(each.coverage, 3) for each in found} == {1: 0.7, 2: 0.5}
