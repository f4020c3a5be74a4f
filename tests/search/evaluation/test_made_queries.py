"""Queries that are made: edits, attributes, nonsense; and their halves."""

import random
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catalog.demo.labels import Labelled
from catalog.models import Product
from search.evaluation import attribute_queries, composed, halves, labels, nonsense, typos
from search.evaluation.relevance import JudgmentsError

WORDS = st.text(alphabet=string.ascii_lowercase + string.digits + " -", min_size=1, max_size=20)


def distance(one: str, other: str) -> int:
    """Damerau's, in its form for neighbours (optimal string alignment)."""
    rows = [
        [row + column if not row * column else 0 for column in range(len(other) + 1)] for row in range(len(one) + 1)
    ]
    for row in range(1, len(one) + 1):
        for column in range(1, len(other) + 1):
            replaced = rows[row - 1][column - 1] + (one[row - 1] != other[column - 1])
            rows[row][column] = min(rows[row - 1][column] + 1, rows[row][column - 1] + 1, replaced)
            if min(row, column) > 1 and one[row - 2 : row] == other[column - 2 : column][::-1]:
                rows[row][column] = min(rows[row][column], rows[row - 2][column - 2] + 1)
    return rows[-1][-1]


@given(WORDS, st.integers(0, 10_000))
def test_a_misspelt_query_is_exactly_one_edit_away(query, seed):
    assume(any(character.isalnum() for character in query))
    assert distance(query, typos.misspell(query, random.Random(seed))) == 1


@given(WORDS, st.integers(0, 100))
def test_the_same_seed_makes_the_same_edit(query, seed):
    assert typos.misspell(query, random.Random(seed)) == typos.misspell(query, random.Random(seed))


def test_every_kind_of_edit_is_made_and_a_query_without_letters_stays():
    made = {len(typos.misspell("mouse", random.Random(seed))) for seed in range(60)}
    assert made == {4, 5, 6}
    assert typos.misspell("- -", random.Random(0)) == "- -"


def test_typing_errors_are_measured_against_the_clean_query(shop):
    told = typos.evaluate({"laptop": {"LAPTOP-1": 3, "LAPTOP-2": 3}, "cup": {"CUP-red": 2}, "zzz": {"CUP-red": 0}})
    assert (told["queries"], len(told["ndcg@10_by_seed"])) == (2, typos.SEEDS)
    assert told["ndcg@10_clean"] > 0.5
    assert told["ratio"] == pytest.approx(told["ndcg@10_typos"] / told["ndcg@10_clean"], abs=1e-3)
    with pytest.raises(JudgmentsError):
        typos.evaluate({"laptop": {"CUP-red": 0}})


def test_halves_are_disjoint_and_complete_and_stay():
    queries = [f"query {number}" for number in range(200)]
    tune, report = (halves.take(queries, half, str) for half in halves.HALVES)
    assert not set(tune) & set(report)
    assert len(tune) + len(report) == 200
    assert 70 < len(tune) < 130
    assert halves.take([*queries, "another"], "tune", str)[: len(tune)] == tune
    assert halves.take(queries, None, str) == queries


def products(number: int, **attributes: str) -> dict[str, dict[str, str]]:
    return {f"{'-'.join(attributes.values())}-{each}": dict(attributes) for each in range(number)}


def test_attribute_queries_ask_for_what_enough_products_have():
    catalogue = products(12, colour="black", product_type="casual shoes", usage="casual", gender="men")
    catalogue |= products(3, colour="teal", product_type="hats")
    made = {query.text: dict(query.asked) for query in attribute_queries.make(catalogue)}
    assert made["black casual shoes"] == {"colour": "black", "product_type": "casual shoes"}
    assert "black men casual shoes" in made
    assert not [text for text in made if "teal" in text or "casual casual" in text]
    assert attribute_queries.make(catalogue) == attribute_queries.make(catalogue)


@pytest.mark.django_db
def test_for_whom_is_read_from_titles_only_where_they_agree():
    for sku, title in (("A", "Nike Men's Shirt"), ("B", "Unisex Men Women Cap"), ("C", "Menswear guide")):
        Product.objects.create(sku=sku, slug=sku, title=title, status="published", attributes={"colour": "Red"})
    known = attribute_queries.described()
    assert known["A"] == {"colour": "red", "gender": "men"}
    assert "gender" not in known["B"] | known["C"]


def test_precision_counts_empty_places_as_wrong(shop, monkeypatch):
    monkeypatch.setattr(attribute_queries, "LEAST_MATCHING", 1)
    told = attribute_queries.evaluate()
    assert {row["query"] for row in told["per_query"]} >= {"red kitchen", "black computers"}
    # A category stands for the kind; no combination has more than two products in this shop.
    assert 0 < told["p@10"] <= 0.2


def test_labels_lead_to_all_products_of_their_picture(shop, monkeypatch, tmp_path):
    pictures = {
        "cup": Labelled("cup", "red", tmp_path, (), {"de": "Espresso cup red"}),
        "chair": Labelled("chair", "1", tmp_path, (), {"de": "Klappstuhl", "ja": "折りたたみ椅子"}),
        "lamp": Labelled("lamp", "9F", tmp_path, (), {"de": "Lampe"}),  # not sold here
    }
    monkeypatch.setattr(labels, "fetch", lambda *_: None)
    monkeypatch.setattr(labels.demo, "read", lambda *_: pictures)
    assert labels.queries(tmp_path, ("de", "ja")) == {
        "de": {"Espresso cup red": {"CUP-red"}, "Klappstuhl": {"CHAIR-1", "LAPTOP-1", "CASE-1", "HUB-1"}},
        "ja": {"折りたたみ椅子": {"CHAIR-1", "LAPTOP-1", "CASE-1", "HUB-1"}},
    }
    told = labels.evaluate(tmp_path, configurations=["lexical"], languages=("de", "ja"))
    assert told["by_language"]["de"]["r@10"]["lexical"] == pytest.approx((1 + 1 / 4) / 2)
    assert told["by_language"]["ja"]["in_catalogue"]
    monkeypatch.setattr(labels.demo, "read", lambda *_: {})
    with pytest.raises(labels.LabelsError):
        labels.queries(tmp_path)


@pytest.mark.slow
def test_composed_queries_ask_for_another_colour_of_the_same_kind(shop, monkeypatch):
    monkeypatch.setattr(composed, "LEAST_MATCHING", 1)
    made = composed.make()
    assert ("CUP-red", "kitchen", "blue") in made
    assert not [sku for sku, _, wanted in made if sku == f"CUP-{wanted}"]
    told = composed.evaluate()
    assert told["queries"] == len(made)
    assert told["p@10"] > told["p@10_picture_alone"]


def test_gibberish_is_different_and_no_word_of_the_catalogue():
    made = nonsense.gibberish({"mouse"}, 60)
    assert len(set(made)) == 60
    assert made == nonsense.gibberish({"mouse"}, 60)
    assert not set(made) & set(nonsense.gibberish(set(made[0].split()), 60)[:1])


def test_off_topic_queries_are_a_hundred_different_ones():
    queries = nonsense.off_topic()
    assert len(queries) == len(set(queries)) == nonsense.COUNT


@pytest.mark.slow
def test_nonsense_finds_nothing_and_is_told_so_while_real_queries_find(shop):
    told = nonsense.evaluate({"chair": {"CHAIR-1": 3}, "laptop": {"LAPTOP-1": 3}})
    assert told["real"] == {"queries": 2, "find_something": 1.0}
    assert told["gibberish"]["queries"] == told["off_topic"]["queries"] == 100
    assert told["gibberish"]["nothing_with_explanation"] > 0.5
    wrong = [row for row in told["per_query"] if row["set"] != "real"]
    share = 1 - len([row for row in wrong if row["set"] == "gibberish"]) / 100
    assert told["gibberish"]["nothing_with_explanation"] == pytest.approx(share)
