"""Searches by what the words imply: filters, negations, corrections, easier readings, and nothing for nonsense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.language import collecting, learning
from search.query import Filters, SearchRequest, SearchResult, search
from search.query.configuration import Configuration
from search.query.floor import HIGH, LOW, Nearness, answers
from tests.doubles import HashedWords


@pytest.fixture(autouse=True)
def _taught(shop: object) -> None:
    collecting.refresh(at_once=True)
    learning.learn()


def found(q: str, **more: object) -> SearchResult:
    return search(SearchRequest(q=q, **more))  # type: ignore[arg-type]


def skus(q: str, **more: object) -> list[str]:
    return [hit.product.sku for hit in found(q, **more).hits]


def understood(result: SearchResult) -> dict[str, str]:
    return {each["phrase"]: f"{each['name']}={each['value']} {each['applied']}" for each in result.query["understood"]}


def test_a_brand_and_a_price_filter():
    result = found("volt laptop under 800")
    assert [hit.product.sku for hit in result.hits] == ["LAPTOP-2"]
    assert understood(result) == {"volt": "brand=volt filter", "under 800": "price_max=800.0 filter"}
    assert set(skus("volt laptop")) == {"LAPTOP-1", "LAPTOP-2"}


def test_what_is_filtered_can_be_taken_as_plain_words():
    assert "LAPTOP-1" in skus("volt laptop under 800", literal=("under 800",))
    assert "CASE-1" in skus("volt laptop", literal=("volt",))
    plain = found("volt laptop under 800", understand=False)
    assert "understood" not in plain.query


def test_a_configuration_switches_it_off():
    assert "understood" not in found("volt laptop", configuration=Configuration(understanding=False)).query


def test_a_price_alone_lists_what_costs_so_much():
    result = found("under 11")
    assert result.query["mode"] == "browse"
    assert {hit.product.sku for hit in result.hits} == {"CUP-red", "CUP-blue", "MUG-black"}
    assert result.query["understood"][0]["label"] == "Up to 11 EUR"


def test_the_shoppers_own_price_goes_before_the_words():
    assert set(skus("volt laptop under 800", filters=Filters(price_max=1000))) == {"LAPTOP-1", "LAPTOP-2"}


@pytest.mark.parametrize("q", ["espresso cup without red", "espresso cup -red", "espresso cup not red"])
def test_negations_take_products_away(q):
    assert set(skus(q)) == {"CUP-blue", "CUP-green"}


def test_only_products_with_the_whole_unwanted_phrase_go():
    # "four" and "ports" both stand in the hub's title, "laptop" and "ports" in none.
    assert "HUB-1" not in skus("usb hub without four ports")
    assert "HUB-1" in skus("usb hub without laptop ports")


def test_an_incomplete_property_is_a_preference():
    result = found("black chair", explain=True)
    assert understood(result)["black"] == "attributes.colour=black preference"
    assert result.hits[0].product.sku == "CHAIR-3"
    assert result.hits[0].explanation["preferred"]["contribution"] > 0


def test_an_exact_code_is_not_interpreted():
    result = found("LAPTOP-2")
    assert result.hits[0].product.sku == "LAPTOP-2"
    assert "understood" not in result.query


def test_filters_that_leave_nothing_become_preferences():
    result = found("nord espresso cup")
    assert {hit.product.sku for hit in result.hits} >= {"CUP-red", "CUP-blue", "CUP-green"}
    [relaxed] = result.query["relaxed"]
    assert (relaxed["step"], relaxed["phrases"]) == ("filters", ["nord"])
    assert "Nord" in relaxed["sentence"]


def test_what_is_said_by_tags_alone_is_found_under_them():
    result = found("gift")
    assert [hit.product.sku for hit in result.hits] == ["CUP-red"]
    assert "Gift" in result.query["relaxed"][0]["sentence"]
    assert found("gift", filters=Filters(brand=("volt",))).total == 0


def test_a_price_that_nothing_has_is_given_up_and_a_chosen_one_is_not():
    result = found("volt laptop under 3")
    assert {hit.product.sku for hit in result.hits} == {"LAPTOP-1", "LAPTOP-2"}
    assert [(each["step"], each["phrases"]) for each in result.query["relaxed"]] == [("price", ["under 3"])]
    assert understood(result) == {"volt": "brand=volt filter"}
    assert found("volt laptop", filters=Filters(price_max=3)).total == 0


def test_the_shoppers_own_filter_is_never_relaxed():
    result = found("nord espresso cup", filters=Filters(brand=("volt",)))
    assert result.total == 0
    assert "relaxed" not in result.query
    assert "Fewer filters may help" in result.query["message"]


def test_without_relaxation_nothing_is_given_up():
    assert found("nord espresso cup", configuration=Configuration(relaxation=False)).total == 0


def test_a_word_that_no_product_has_is_dropped_beside_a_kind():
    result = found("qwmzblt kitchen xqvrpfk wzzkt")
    if result.total:
        assert result.query["relaxed"][0]["step"] in ("words", "category")
    assert found("qwmzblt xqvrpfk wzzkt").total == 0


def test_what_is_not_related_finds_nothing_and_says_which_words_nobody_has():
    result = found("mortgage rates")
    assert result.total == 0
    assert result.query["message"].startswith("Nothing in the shop is related to this.")


def test_a_misspelt_word_is_corrected_and_can_be_kept():
    result = found("foldign chair")
    assert result.query.get("showing_results_for") == "folding chair"
    assert result.hits[0].product.sku == "CHAIR-1"
    assert result.query["corrections"] == [{"typed": "foldign", "meant": "folding"}]
    kept = found("foldign chair", literal=("foldign",))
    assert "showing_results_for" not in kept.query


def test_a_language_that_the_encoder_cannot_read_is_searched_by_its_words(monkeypatch):
    assert found("klappstuhl eiche").query["mode"] == "hybrid"
    monkeypatch.setattr(HashedWords, "languages", ("en",), raising=False)
    result = found("klappstuhl eiche")
    assert (result.query["language"], result.query["mode"]) == ("de", "lexical")
    assert [hit.product.sku for hit in result.hits] == ["CHAIR-1"]
    assert found("klappstuhl eiche", mode="semantic").query["mode"] == "semantic"
    assert found("folding chair").query["mode"] == "hybrid"


def test_stop_words_need_not_be_met():
    assert "with" not in found("hub with ports").query["unknown_words"]
    assert skus("hub with four ports")[0] == "HUB-1"


NEAR = Nearness(low=0.3, high=0.3 + 0.1 * (HIGH - LOW))  # a deviation is 0.1


@pytest.mark.parametrize(
    ("coverage", "cosine", "read", "expected"),
    [
        (0.9, None, "typed", True),  # nearly all words
        (0.5, None, "typed", False),  # half of them
        (0.5, 0.4, "typed", True),  # half, and a text that is near
        (0.0, 0.56, "typed", True),  # nothing but a text that is very near
        (0.0, 0.5, "typed", False),
        (0.9, None, "corrected", True),
        (0.7, None, "corrected", False),
        (0.7, 0.4, "corrected", True),
        (0.9, None, "part", False),  # a part of the words needs both
        (0.9, 0.4, "part", True),
        (0.5, 0.7, "part", False),
    ],
)
def test_the_best_hit_decides_whether_there_is_an_answer(coverage, cosine, read, expected):
    assert answers([(0.0, None), (coverage, cosine)], NEAR, read=read) is expected


def test_without_a_text_encoder_words_alone_decide():
    assert answers([(0.7, None)], None)
    assert not answers([(0.5, None)], None)
    assert not answers([(0.8, None)], None, read="corrected")
    assert not answers([], None)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.none() | st.floats(-1, 1)), max_size=6),
    st.sampled_from(["typed", "corrected", "part"]),
)
def test_more_hits_are_never_less_evidence(evidence, read):
    if answers(evidence[1:], NEAR, read=read):
        assert answers(evidence, NEAR, read=read)
