"""What is read out of a query's words, against a catalogue that has taught its phrases."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.plugin import DjangoDbBlocker

from catalog import services
from catalog.models import Brand, Product, Tag
from search.language import collecting, learning
from search.language.detect import detect
from search.language.interpret import Given, Interpretation, interpret
from search.models import FacetCoverage, Phrase
from search.terms import fold, words


@pytest.fixture(scope="module")
def taught(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A catalogue that has been learned from, for the module; its rows are never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        _fill()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def catalogue(taught: None, db: None) -> None:
    """The catalogue for one test, which may change it."""


def _fill() -> None:
    """Shoes and bags, described completely, and lamps without a colour; oranges beside what is orange."""
    home = services.add_category("Home")
    clothes = services.add_category("Clothes")
    shoes = services.add_category("Shoes", clothes, translations={"de": {"name": "Schuhe"}, "zh": {"name": "鞋子"}})
    bags = services.add_category("Bags", clothes)
    brands = [Brand.objects.create(name=name, slug=name.lower().replace(" ", "-")) for name in ("Nike", "Polar Star")]
    gift = Tag.objects.create(name="Gift", slug="gift")
    number = 0

    def sell(title: str, category: object, colour: str, **more: object) -> None:
        nonlocal number
        number += 1
        product = Product(
            sku=f"P{number}", title=title, category=category, brand=brands[number % 2], price=Decimal(20 + number),
            stock=1, status="published", attributes={"colour": colour, **more} if colour else {},
        )  # fmt: skip
        services.save_product(product, tags=[gift] if number == 1 else [])

    for colour in ("red", "black", "navy blue", "blue", "orange"):
        for kind in ("running shoe", "casual shoe"):
            sell(f"{kind} {colour}", shoes, colour, usage="casual" if kind.startswith("c") else "sports")
        sell(f"Shoulder bag, {colour}", bags, colour, usage="casual", size="11.5")
    for flavour in ("juice", "marmalade", "tea", "cake", "soap"):
        sell(f"Orange {flavour}", home, "")
    sell("Lamp with black, silver shade", home, "")
    sell("Table sans fil", home, "")
    sell("Chaise sans fil", home, "")
    collecting.refresh(at_once=True)
    learning.learn()


def told(q: str, **given: object) -> dict[str, str]:
    """phrase -> "name=value applied" of what was understood."""
    return {
        each["phrase"]: f"{each['name']}={each['value']} {each['applied']}"
        for each in interpret(q, Given(**given)).told()
    }


def test_colour_brand_category_and_price(catalogue):
    assert told("red nike shoes under 50") == {
        "red": "attributes.colour=red filter",
        "nike": "brand=nike filter",
        "shoes": "category=shoes filter",
        "under 50": "price_max=50.0 filter",
    }


def test_within_a_category_that_has_it_throughout_a_colour_is_a_filter(catalogue):
    # "shoes" comes along: coverage is looked up for the categories that the words name.
    assert FacetCoverage.objects.get(category="shoes", facet="attributes.colour").share == 1.0
    assert told("red shoes")["red"] == "attributes.colour=red filter"
    assert told("red", categories=("shoes",))["red"] == "attributes.colour=red filter"
    assert told("red")["red"] == "attributes.colour=red preference"


def test_a_word_with_other_uses_is_no_filter(catalogue):
    # Of the titles with "orange", five are of oranges.
    assert Phrase.objects.get(key="orang", facet="attributes.colour").trust < 0.8
    assert told("orange shoes").keys() == {"shoes"}
    # Of those with "black" three in four.
    assert told("black shoes")["black"] == "attributes.colour=black preference"


def test_the_longest_phrase_wins(catalogue):
    assert told("navy blue shoes")["navy blue"] == "attributes.colour=navy blue filter"
    assert Phrase.objects.get(key="blue", facet="attributes.colour").trust == 1.0
    assert told("polar star bag")["polar star"] == "brand=polar-star filter"


def test_what_something_is_for_is_no_filter(catalogue):
    assert told("laces for nike") == {"nike": "brand=nike preference"}
    assert told("shoes rack")["shoes"] == "category=shoes preference"
    assert told("shoes 42")["shoes"] == "category=shoes filter"


def test_two_values_of_one_facet_are_preferences(catalogue):
    assert told("red and black shoes") == {
        "red": "attributes.colour=red preference",
        "black": "attributes.colour=black preference",
        "shoes": "category=shoes filter",
    }


def test_tags_never_filter(catalogue):
    assert told("gift") == {"gift": "tag=gift preference"}


def test_categories_are_known_in_other_languages(catalogue):
    assert told("schwarze Schuhe ohne Absatz") == {
        "schuhe": "category=shoes filter",
        "ohne Absatz": "not=Absatz filter",
    }
    assert told("鞋子 低于50")["鞋子"] == "category=shoes filter"


def test_what_the_shopper_has_set_is_not_implied_again(catalogue):
    assert "filter" not in told("nike shoes", facets=frozenset({"brand"}))["nike"]
    assert interpret("shoes under 50", Given(frozenset({"price_max"}))).text == "shoes"
    assert "under 50" not in told("shoes under 50", facets=frozenset({"price_max"}))


def test_phrases_can_be_taken_literally(catalogue):
    assert "nike" not in told("red nike shoes", literal=("Nike",))
    assert told("shoes under 50", literal=("under 50",)).keys() == {"shoes"}
    assert interpret("shoes under 50", Given(literal=("under 50",))).text == "shoes under 50"
    assert told("shoes without laces", literal=("without laces",)).keys() == {"shoes"}
    assert told("navy blue shoes", literal=("navy blue",)).keys() == {"shoes"}


def test_nothing_is_understood_where_that_is_not_wanted(catalogue):
    plain = interpret("red nike shoes under 50 without laces", understand=False)
    assert (plain.text, plain.told()) == ("red nike shoes under 50 without laces", [])


def test_what_titles_say_is_no_negation(catalogue):
    assert interpret("table sans fil").unwanted == ()


@pytest.mark.parametrize(
    ("q", "language"),
    [
        ("red shoes", "en"), ("schuhe", "de"), ("schuhe für herren", "de"), ("chaussures pour le sport", "fr"),
        ("zapatos para los niños", "es"), ("红色鞋子", "zh"), ("赤い靴を", "ja"), ("신발", "ko"), ("обувь", "ru"),
        ("xkqjv", "en"), ("", "en"), ("12", "en"),
    ],
)  # fmt: skip
def test_languages_are_told_by_script_vocabulary_and_stop_words(catalogue, q, language):
    assert detect(q) == language


def test_learning_again_learns_the_same(catalogue):
    before = list(Phrase.objects.order_by("language", "key", "facet").values_list("key", "facet", "values", "trust"))
    learning.learn()
    assert (
        list(Phrase.objects.order_by("language", "key", "facet").values_list("key", "facet", "values", "trust"))
        == before
    )


def test_it_is_learned_once_for_each_vocabulary(catalogue):
    assert learning.refresh() is not None
    assert learning.refresh() is None
    product = Product.objects.get(sku="P1")
    product.title = "Sandal scarlet"
    services.save_product(product)
    collecting.refresh(at_once=True)
    assert learning.refresh() is not None


QUERIES = st.lists(
    st.sampled_from(
        ["red", "nike", "shoes", "navy", "blue", "bag", "under 50", "without laces", "-x1", "not", "for", "2 tb",
         "鞋子", "zwischen 2 und 3", "sans fil", "“", "-", "orange", "xkq", "15.6 inch", "ohne", "the", ","]
    ),
    max_size=8,
).map(" ".join) | st.text(max_size=50)  # fmt: skip


def _words(text: str) -> list[str]:
    return [word.surface for word in words(text, "en")]


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(QUERIES)
def test_any_query_can_be_read_and_no_word_is_lost_unexplained(catalogue, q):
    read = interpret(q)
    explained = " ".join([*(phrase for _, phrase in read.unwanted), read.price_phrase])
    left = _words(read.text) + _words(explained)
    for word in _words(q):
        if any(character.isalpha() for character in word) and not any(character.isdigit() for character in word):
            assert word in left or word in ("inch", "tb"), (q, read)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(QUERIES)
def test_what_is_left_of_a_query_is_read_the_same_again(catalogue, q):
    def said(read: Interpretation) -> list[tuple[str, bool]]:
        return [(each.phrase, each.certain) for each in read.named]

    first = interpret(q)
    if first.unwanted or first.price:
        return  # a price or negation that is taken out may bring two words together which say another
    again = interpret(first.text)
    assert (again.text, said(again)) == (first.text, said(first))


@pytest.mark.slow
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(QUERIES)
def test_everything_that_is_understood_can_be_taken_back(catalogue, q):
    literal: list[str] = []
    for _ in range(12):
        found = [each["phrase"] for each in interpret(q, Given(literal=tuple(literal))).told()]
        if not found:
            return
        assert not {fold(each) for each in found} & {fold(each) for each in literal}
        literal += found
    raise AssertionError((q, literal))
