"""Synonyms: what a query's words find as well, and facets that know two words for one thing."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from hypothesis import example, given
from hypothesis import strategies as st

from catalog import services
from catalog.models import Product
from search.index.drain import drain
from search.language import collecting, synonyms
from search.language.synonyms import SynonymError, expand, phrases
from search.models import Synonym
from search.query import Filters, SearchRequest, search
from search.query.alternatives import merged
from search.query.facets import merged_values
from search.remembered import look_again
from tests.indexed import Shop

pytestmark = pytest.mark.django_db


def synonym(words: str, also: str = "", **fields: Any) -> Synonym:
    row = Synonym(words=words, also=also, kind="one_way" if also else "two_way", **fields)
    synonyms.clean(row)
    row.save()
    look_again()
    return row


# Phrases -----------------------------------------------------------------------------------------------------------


def test_a_field_is_read_into_clean_phrases():
    assert phrases(" Sofa,couch;\n<b>Settee</b>, sofa ,,") == ["sofa", "couch", "settee"]
    assert phrases("café au lait") == ["cafe au lait"]


@pytest.mark.parametrize(
    "text",
    ["!!!", "a b c d e f", "x" * 81, ",".join(f"w{n}" for n in range(21)), ",".join(f"{n}" * 70 for n in range(20))],
)
def test_what_cannot_be_taken_is_refused_with_a_sentence(text):
    with pytest.raises(SynonymError, match=r"\.$"):
        phrases(text)


@given(st.text(max_size=300))
@example("0 \x980")
def test_any_text_is_taken_or_refused_and_reading_twice_changes_nothing(text):
    try:
        once = phrases(text)
    except SynonymError:
        return
    assert phrases(", ".join(once)) == once


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"words": "sofa"}, "words"),
        ({"words": ""}, "words"),
        ({"kind": "one_way", "words": "sofa"}, "also"),
        ({"kind": "one_way", "words": "sofa", "also": "sofa"}, "also"),
        ({"words": "sofa, couch", "language": "English!"}, "language"),
        ({"words": "sofa, couch", "starts_at": timezone.now(), "ends_at": timezone.now() - timedelta(1)}, "ends_at"),
    ],
)
def test_incomplete_rows_are_refused(fields, at_fault):
    with pytest.raises(ValidationError) as refused:
        synonyms.clean(Synonym(**fields))
    assert list(refused.value.message_dict) == [at_fault]


# Expanding ---------------------------------------------------------------------------------------------------------


def test_two_way_and_one_way():
    synonym("sofa, couch, settee")
    synonym("sneaker", also="running shoe, trainer")
    assert expand(["red", "sofa"], "en") == {"sofa": ("couch", "settee")}
    assert expand(["settee"], "en") == {"settee": ("sofa", "couch")}
    assert expand(["sneakers"], "en") == {"sneakers": ("running shoe", "trainer")}
    assert expand(["trainer"], "en") == {}


def test_the_longest_phrase_is_taken_and_no_word_belongs_to_two():
    synonym("running shoe", also="trainer")
    synonym("shoe, footwear")
    assert expand(["running", "shoes"], "en") == {"running shoes": ("trainer",)}
    assert expand(["shoes", "running"], "en") == {"shoes": ("footwear",)}


def test_entries_are_not_chained_so_none_runs_in_a_circle():
    synonym("a", also="b")
    synonym("b", also="c")
    synonym("c", also="a")
    assert expand(["a"], "en") == {"a": ("b",)}
    assert expand(["a", "b", "c"], "en") == {"a": ("b",), "b": ("c",), "c": ("a",)}


def test_languages_and_schedules():
    now = timezone.now()
    synonym("gift, poison", language="en")
    synonym("gift, gabe", language="de")
    synonym("present", also="gift", starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=3))
    assert expand(["gift"], "en-GB") == {"gift": ("poison",)}
    assert expand(["gift"], "de") == {"gift": ("gabe",)}
    assert expand(["present"], "en") == {}
    assert expand(["present"], "en", now + timedelta(hours=2)) == {"present": ("gift",)}
    assert expand(["present"], "en", now + timedelta(hours=4)) == {}


def test_text_without_spaces_is_compared_as_it_is():
    synonym("手机, 移动电话")
    assert expand(["手机"], "zh") == {"手机": ("移动电话",)}
    assert expand(["手机壳"], "zh") == {}


def test_what_is_switched_off_or_written_past_the_form_finds_nothing():
    synonym("sofa, couch", enabled=False)
    Synonym.objects.create(words="!!!, ???")
    assert expand(["sofa", "!!!"], "en") == {}


def test_a_query_costs_nothing_until_something_may_have_changed(django_assert_num_queries):
    row = synonym("sofa, couch")
    expand(["sofa"], "en")
    with django_assert_num_queries(0):
        expand(["sofa"], "en")
    row.delete()
    look_again()
    with django_assert_num_queries(2):
        assert expand(["sofa"], "en") == {}


# In searches -------------------------------------------------------------------------------------------------------


def skus(q: str, **more: Any) -> list[str]:
    return [hit.product.sku for hit in search(SearchRequest(q=q, mode="lexical", **more)).hits]


def test_a_word_that_the_catalogue_says_otherwise_is_known(shop: Shop):
    assert skus("notebook computer") == []
    synonym("notebook computer", also="laptop")
    result = search(SearchRequest(q="notebook computer", mode="lexical"))
    assert {hit.product.sku for hit in result.hits} >= {"LAPTOP-1", "LAPTOP-2"}
    assert result.query["synonyms"] == {"notebook computer": ["laptop"]}
    assert result.query["unknown_words"] == []


def test_one_way_does_not_lead_back(shop: Shop):
    before = skus("laptop")
    synonym("notebook", also="laptop")
    assert skus("laptop") == before
    assert set(skus("notebook")) == set(before)


def test_what_was_typed_comes_before_its_synonym_and_both_together_gain_nothing(shop: Shop):
    synonym("mug, cup")
    found = search(SearchRequest(q="mug", mode="lexical", explain=True))
    ranked = [hit.product.sku for hit in found.hits]
    assert ranked[0] == "MUG-black"
    assert set(ranked) == {"MUG-black", "CUP-red", "CUP-blue", "CUP-green"}
    both = services.save_product(
        Product(sku="BOTH-1", title="Coffee mug cup", status="published", stock=1, category=shop["MUG-black"].category)
    )
    drain()
    terms = {
        hit.product.sku: hit.explanation["terms"]["score"]
        for hit in search(SearchRequest(q="mug", mode="lexical", explain=True)).hits
    }
    alone = {
        hit.product.sku: hit.explanation["terms"]["score"]
        for hit in search(SearchRequest(q="mug cup", mode="lexical", explain=True)).hits
    }
    assert terms["BOTH-1"] < alone["BOTH-1"]  # asked for both words, it has both; asked for one, it has one
    services.delete_products([both.pk])
    drain()


def test_how_rare_a_synonym_is_does_not_decide(shop: Shop, settings):
    """Only one product says "mug", and three say "cup": it must not go before them where "cup" was asked for."""
    synonym("mug, cup")
    assert skus("cup")[-1] == "MUG-black"
    settings.SEARCH_SYNONYM_WEIGHT = 0.0
    assert "MUG-black" not in skus("cup")


def test_a_score_is_the_best_of_its_wordings():
    assert merged([[(1, 3.0), (2, 1.0)], [(2, 2.5), (3, 2.0)]], 2) == [(1, 3.0), (2, 2.5)]


def test_what_has_a_synonym_is_not_taken_for_a_typing_error(shop: Shop):
    collecting.refresh()
    assert "laptop" in search(SearchRequest(q="laptob")).hits[0].product.title.lower()
    synonym("laptob", also="mug")
    result = search(SearchRequest(q="laptob"))
    assert [hit.product.sku for hit in result.hits] == ["MUG-black"]
    assert result.query["synonyms"] == {"laptob": ["mug"]}


# In facets ---------------------------------------------------------------------------------------------------------


def test_a_filter_finds_and_counts_its_synonyms_as_one_value(shop: Shop):
    synonym("green, grün, red")
    asked = SearchRequest(q="cup", facets=("attributes.colour",))
    values = {each.label: each for each in search(asked).facets[0].values}
    assert values["green / red"].count == 2
    assert "red" not in values
    assert "blue" in values
    for typed in ("red", "green", "grün"):
        found = search(SearchRequest(q="cup", filters=Filters(attributes={"colour": (typed,)})))
        assert {hit.product.sku for hit in found.hits} == {"CUP-red", "CUP-green"}
        chosen = [
            value
            for facet in found.facets
            if facet.name == "attributes.colour"
            for value in facet.values
            if value.selected
        ]
        assert [value.count for value in chosen] == [2]
        assert chosen[0].value == typed


def test_a_browsed_list_knows_them_too(shop: Shop):
    synonym("leather, oak")
    within = Filters(category="seats", attributes={"material": ("leather",)})
    found = search(SearchRequest(filters=within))
    assert {hit.product.sku for hit in found.hits} == {"CHAIR-1", "CHAIR-2", "CHAIR-3"}


def test_a_one_way_synonym_leads_a_filter_one_way(shop: Shop):
    synonym("crimson", also="red")
    crimson, red = (Filters(attributes={"colour": (colour,)}) for colour in ("crimson", "red"))
    assert skus("cup", filters=crimson) == ["CUP-red"]
    assert skus("cup", filters=red) == ["CUP-red"]


def test_spellings_of_catalogues_are_found(shop: Shop):
    synonym("memory 2tb, 2tb")  # the catalogue writes 2TB
    assert skus("laptop", filters=Filters(attributes={"memory": ("memory 2tb",)})) == ["LAPTOP-1"]


def test_values_without_synonyms_are_left_alone():
    def never(_: list[str]) -> int:
        raise AssertionError("counted")

    counts = {"red": 3, "blue": 2}
    assert merged_values(counts, ["blue"], never) == [("blue", "blue", 2), ("red", "red", 3)]


def test_synonyms_of_the_language_that_a_query_is_written_in_hold(shop: Shop):
    synonym("手提电脑", also="laptop", language="zh")
    synonym("手提电脑", also="espresso", language="ja")
    assert set(skus("手提电脑")) >= {"LAPTOP-1", "LAPTOP-2"}
    assert "CUP-red" not in skus("手提电脑")
