"""Completions of what is being typed."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from search.query import suggest
from tests import shops

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _products():
    shops.build()


@pytest.mark.parametrize("typed", ["esp", "ESPR", "espresso c", "  espresso   cup ", "cup"])
def test_the_beginning_of_a_word_finds_products(typed):
    assert {product.sku for product in suggest(typed).products} == {"CUP-red", "CUP-blue", "CUP-green"}


def test_queries_continue_what_was_typed():
    assert suggest("esp").queries[0] == "espresso"
    assert "espresso cup" in suggest("esp").queries


def test_the_middle_of_a_word_is_no_beginning():
    assert suggest("hair").products == []


def test_categories_and_brands_are_completed():
    assert [category.slug for category in suggest("kit").categories] == ["kitchen"]
    assert [brand.slug for brand in suggest("vo").brands] == ["volt"]


def test_drafts_are_not_suggested():
    assert suggest("secret").products == []


@pytest.mark.parametrize("typed", ["", "a", "%", "__", "\\", "'; drop table", "x" * 5000, "\N{ZERO WIDTH JOINER}" * 3])
def test_anything_may_be_typed(typed):
    assert suggest(typed).products == []


def test_the_number_of_queries_is_constant():
    def queries(typed):
        with CaptureQueriesContext(connection) as captured:
            assert suggest(typed).products
        return len(captured)

    assert queries("espresso") == queries("mug") <= 6
