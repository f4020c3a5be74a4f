"""Completions of what is being typed."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from catalog.models import Brand, Product
from search.index import client
from search.index.errors import VectorStoreError
from search.language import collecting
from search.models import PopularQuery
from search.query import completion_products, names, recent, suggest

pytestmark = pytest.mark.django_db
CUPS = {"CUP-red", "CUP-blue", "CUP-green"}


@pytest.fixture(autouse=True)
def _counted(shop):
    collecting.refresh()


def skus(typed: str) -> set[str]:
    return {product.sku for product in suggest(typed).products}


@pytest.mark.parametrize("typed", ["esp", "ESPR", "espresso c", "  espresso   cup "])
def test_the_beginning_of_a_word_finds_products(typed):
    assert skus(typed) == CUPS


def test_products_that_have_every_word_come_first():
    first = [product.sku for product in suggest("office ch").products]
    assert first[0] == "CHAIR-3"


@pytest.mark.parametrize(("typed", "sku"), [("dv7-12", "LAPTOP-1"), ("DV7 90", "LAPTOP-2"), ("40063813", "LAPTOP-1")])
def test_the_beginning_of_a_code_finds_its_product(typed, sku):
    assert suggest(typed).products[0].sku == sku


def test_queries_continue_what_was_typed():
    assert suggest("esp").queries[:2] == ["espresso", "espresso cup"]
    assert "espresso cup" in suggest("espresso").queries


@pytest.mark.parametrize(
    ("typed", "completed"), [("esprs", "espresso"), ("lapotp", "laptop"), ("ofice cha", "office chair")]
)
def test_an_error_in_what_was_typed_is_forgiven(typed, completed):
    found = suggest(typed)
    assert completed in found.queries
    assert found.products


def test_an_error_is_forgiven_in_names_too():
    assert [category.slug for category in suggest("kichen").categories] == ["kitchen"]


def test_the_middle_of_a_word_is_no_beginning():
    assert suggest("hair").products == []


def test_categories_and_brands_are_completed():
    assert [category.slug for category in suggest("kit").categories] == ["kitchen"]
    assert [brand.slug for brand in suggest("vo").brands] == ["volt"]


def test_categories_are_found_in_every_language():
    assert [category.slug for category in suggest("stü").categories] == ["seats"]
    assert suggest("klapp").queries == ["klappstuhl"]


def test_drafts_are_not_suggested():
    assert suggest("secret").products == []


def test_codes_of_what_is_not_for_sale_are_not_suggested():
    Product.objects.filter(sku="LAPTOP-1").update(status="archived")
    assert [product.sku for product in suggest("dv7").products] == ["LAPTOP-2"]


def test_what_has_gone_is_not_suggested():
    suggest("vo")
    Product.objects.filter(brand__slug="volt").update(brand=None, status="archived")
    Brand.objects.filter(slug="volt").delete()
    found = suggest("volt")
    assert (found.brands, found.products) == ([], [])


def popular(query: str, visitors: int, **more: object) -> None:
    PopularQuery.objects.create(
        query=query, normalised=query.casefold(), visitors=visitors, count=visitors, last_seen=timezone.now(), **more
    )


def test_what_many_searched_for_comes_first():
    popular("espresso cups for two", 40)
    popular("espadrilles", 90, zero_share=0.9)
    popular("espionage", 90, hidden=True)
    assert suggest("esp").queries[0] == "espresso cups for two"
    assert not {"espadrilles", "espionage"} & set(suggest("esp").queries)
    assert suggest("esprs").queries[0] == "espresso cups for two", "with an error too"


def test_before_anything_is_typed_there_is_what_is_popular():
    popular("espresso cups for two", 40)
    found = suggest("")
    assert found.queries == ["espresso cups for two"]
    assert (found.products, found.categories, found.brands) == ([], [], [])


class Remembered:
    """A shopper with a past."""

    queries = ("espresso machine", "Reading lamp", "ESPRESSO machine", "desk")

    def recent(self, request, limit):
        return list(self.queries)[:limit]

    def forget(self, request, query):
        return 1


def test_own_queries_come_first_and_once(settings):
    settings.SEARCH_RECENT_QUERIES = f"{__name__}.Remembered"
    assert suggest("", object()).history == ["espresso machine", "Reading lamp", "desk"]
    assert suggest("esp", object()).history == ["espresso machine"]
    assert suggest("lam", object()).history == ["Reading lamp"], "by any of its words"
    assert suggest("esp").history == [], "nobody's without a request"
    popular("espresso machine", 40)
    assert "espresso machine" not in suggest("esp", object()).queries


def test_a_history_that_fails_takes_nothing_else_away(settings, monkeypatch):
    settings.SEARCH_RECENT_QUERIES = f"{__name__}.Remembered"
    monkeypatch.setattr(Remembered, "recent", lambda *_: 1 / 0)
    found = suggest("esp", object())
    assert (found.history, bool(found.products)) == ([], True)
    settings.SEARCH_RECENT_QUERIES = ""
    assert recent.forget(object()) == 0


def test_without_the_index_the_rest_is_suggested(monkeypatch):
    def fail(_):
        raise VectorStoreError("It rests.", permanent=False)

    monkeypatch.setattr("search.query.completion_products.on_live", fail)
    found = suggest("kit")
    assert (found.products, [category.slug for category in found.categories]) == ([], ["kitchen"])
    assert suggest("dv7-12").products[0].sku == "LAPTOP-1"


@pytest.mark.parametrize("typed", ["a", "%", "__", "\\", "'; drop table", "x" * 5000, "\N{ZERO WIDTH JOINER}" * 3])
def test_anything_may_be_typed(typed):
    assert suggest(typed).products == []


@pytest.mark.slow
@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=40))
def test_nothing_that_is_typed_is_an_error(typed):
    suggest(typed)


def test_the_number_of_queries_is_constant():
    def queries(typed):
        suggest(typed)
        with CaptureQueriesContext(connection) as captured:
            assert suggest(typed).products
        return len(captured)

    assert queries("espresso") == queries("mug") <= 6


def test_names_are_looked_up_by_the_beginnings_of_their_words():
    of = names._names([(1, "Coffee machines"), (2, "Vending machines"), (3, "Machine oil"), (4, "T-shirts")])
    assert of.beginning_with("mach", 5) == [3, 1, 2]
    assert of.beginning_with("coffee m", 5) == [1]
    assert of.beginning_with("shirt", 5) == [4]
    assert of.beginning_with("achines", 5) == []


def test_a_store_gets_no_more_time_than_a_shopper_has(monkeypatch):
    deadlines = []
    monkeypatch.setattr(completion_products, "_ask", lambda *_: deadlines.append(client._deadline.get()) or [])
    suggest("espresso")
    assert deadlines != [None]
