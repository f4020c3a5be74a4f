"""Reasons on the page of results: for who may see them, part by part."""

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from search.shop.explaining import lines

ADDRESS = "/search?q=chair"


def test_a_merchandiser_switches_the_reasons_on_and_off(shop, merchandiser):
    page = merchandiser.get(ADDRESS).content.decode()
    assert "Explain the order" in page
    assert "Why it is here" not in page
    page = merchandiser.get(f"{ADDRESS}&explain=1").content.decode()
    assert "Hide the reasons" in page
    assert page.count("Why it is here") == 3
    assert '<th scope="row">Words</th>' in page
    assert "style=" not in page.split("Why it is here")[1].split("</details>")[0]


def test_shoppers_get_none_whatever_they_ask(shop, client, sign_in):
    for visitor in (client, sign_in("nobody")):
        page = visitor.get(f"{ADDRESS}&explain=1").content.decode()
        assert "Why it is here" not in page
        assert "Explain the order" not in page


def test_a_list_without_words_can_be_looked_at_too(shop, merchandiser):
    page = merchandiser.get(reverse("shop:search") + "?explain=1")
    assert page.status_code == 200
    assert "In the order of the list." in page.content.decode()


def test_each_part_is_said_in_words():
    told = lines(
        {
            "exact": {"score": 1.0, "rank": 1, "weight": 1.0, "contribution": 1.0},
            "terms": {"score": 7.5, "rank": 4, "weight": 2.0, "contribution": 0.5},
            "ranker": {
                "score": 1.5,
                "moved": -2,
                "version": 7,
                "features": {"price": 1.0, "others": -0.5, "base": 1.0},
            },
            "boosted": {"score": 2.0, "contribution": 0.25, "rules": ["Summer (rule 3)"], "moved": 1},
            "personal": {"score": 0.4, "weight": 0.3, "moved": 0},
        }
    )
    assert [line.label for line in told] == [
        "Exact code", "Words", "Learned order", "Boosted", "This shopper's taste",
    ]  # fmt: skip
    assert told[1].told == "adds 0.5, score 7.5, place 4, weight 2"
    assert [line.percent for line in told] == [100.0, 50.0, None, 25.0, None]
    assert "down 2 places" in told[2].told
    assert [(line.label, line.told, line.percent) for line in told[2].lines] == [
        ("price", "+1.000", 100.0), ("others", "−0.500", 50.0),
    ]  # fmt: skip
    assert "up 1 place, Summer (rule 3)" in told[3].told
    assert "not moved" in told[4].told
    assert lines(None) is None
    assert lines({}) == []


values = st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(-1000, 1000))
keys = st.sampled_from(["score", "rank", "weight", "contribution", "moved", "position", "version"])
parts = st.dictionaries(keys, values).filter(lambda part: not isinstance(part.get("moved"), float))


@given(st.dictionaries(st.text(min_size=1, max_size=12), parts, max_size=6))
def test_any_explanation_can_be_shown(explanation):
    for line in lines(explanation):
        assert line.percent is None or 0 <= line.percent <= 100


@pytest.mark.parametrize("explain", ["1", "", "false", "<script>"])
def test_whatever_the_parameter_holds(shop, merchandiser, explain):
    assert merchandiser.get(ADDRESS, {"q": "chair", "explain": explain}).status_code == 200
