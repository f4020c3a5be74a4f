"""The parts of a recommendation in words: figures as they were computed, products by their titles."""

import pytest

from recommend.shop.why import Part, parts_of, titles_of
from recommend.surfaces import Recommendation

TITLES = {"A": "Kettle", "B": "Teapot"}


def told(**why) -> list[tuple[str, str]]:
    return [(part.label, part.text) for part in parts_of(Recommendation(None, 1.0, "", why), TITLES)]


def test_the_history_s_products_have_their_shares():
    assert told(neighbours={"A": 3.0, "B": 1.0}) == [
        ("Others who had these took it next", "Kettle (75%), Teapot (25%)")
    ]


def test_baskets_and_shoppers_are_counted():
    figures = {"A": {"together": 12, "alone": 40, "lift": 3.1, "g_squared": 20.0}}
    assert told(basket=figures) == [("In one basket with", "Kettle (12 of 40 baskets)")]
    assert told(crossing=figures) == [("Others came to it from", "Kettle (12 of 40 shoppers)")]


def test_a_rise_is_told_in_one_sentence():
    assert told(rise=4.2, recent=14, expected=3.0, days=7.0) == [
        ("Steepness of the rise", "4.2"),
        ("Wanted", "14 times in 7 days, where 3 were to be expected"),
    ]


def test_what_a_surface_adds_later_is_shown_with_its_own_name():
    assert told(shelf_height=2.5, kinds=["a", "b"], shown=True) == [
        ("Shelf height", "2.5"),
        ("Kinds", "a, b"),
        ("Shown", "yes"),
    ]


def test_what_is_new_has_a_place_that_counts_from_one():
    assert told(newest=0) == [("Place among the newest", "1")]
    assert told(new=True) == [("New", "what others took says nothing of it yet")]


@pytest.mark.parametrize(
    "why", [{"neighbours": {}}, {"neighbours": {"A": 0.0}}, {"visited": 0}, {"seen": []}, {"x": None}]
)
def test_what_says_nothing_is_left_out(why):
    assert told(**why) == []


@pytest.mark.django_db
def test_titles_are_read_at_once(catalogue, django_assert_num_queries):
    hits = [
        Recommendation(None, 1.0, "", {"near": "CUP-red", "by": ["text", "image"]}),
        Recommendation(None, 1.0, "", {"products": ["LAMP-1", "gone"]}),
    ]
    with django_assert_num_queries(1):
        titles = titles_of(hits)
    assert titles == {"CUP-red": "Espresso cup, red", "LAMP-1": "Reading lamp"}
    assert parts_of(hits[0], titles) == [
        Part("Starting from", "Espresso cup, red"),
        Part("Compared by", "their words and their pictures"),
    ]
    with django_assert_num_queries(0):
        titles_of([Recommendation(None, 1.0, "", {"popularity": 0.2})])
