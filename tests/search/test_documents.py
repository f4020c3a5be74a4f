"""What the index is given of a product."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Category, Product, Variant
from search.documents import ATTRIBUTE_SEPARATOR, attribute_values, build_documents, products_for_indexing
from tests import shops

pytestmark = pytest.mark.django_db


@pytest.fixture
def products() -> dict[str, Product]:
    return shops.build()


def document(product: Product):
    return build_documents(products_for_indexing([product.pk]))[0]


def test_the_payload_says_what_is_filtered_on(products):
    made = document(products["CUP-red"])
    assert made.payload == {
        "sku": "CUP-red",
        "family": "cup",
        "brand": "acme",
        "store": "corner",
        "categories": ["home", "kitchen"],
        "department": "home",
        "tags": ["gift"],
        "price": 10.0,
        "in_stock": True,
        "attribute_values": [f"colour{ATTRIBUTE_SEPARATOR}red", f"volume_ml{ATTRIBUTE_SEPARATOR}80",
                             f"dishwasher{ATTRIBUTE_SEPARATOR}yes"],
    }  # fmt: skip
    json.dumps(made.payload, allow_nan=False)


def test_a_variant_in_stock_counts_as_in_stock(products):
    assert document(products["CHAIR-2"]).payload["in_stock"] is False
    Variant.objects.create(product=products["CHAIR-2"], sku="CHAIR-2-L", title="Large", stock=1)
    assert document(products["CHAIR-2"]).payload["in_stock"] is True


def test_drafts_have_no_document(products):
    assert not products_for_indexing([products["DRAFT-1"].pk])


def test_pictures_come_in_the_shops_order(products):
    made = document(products["CUP-red"])
    assert made.picture_keys == [(each.pk, each.sha256) for each in products["CUP-red"].pictures.all()]


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Espresso cup crimson"},
        {"price": 11},
        {"stock": 0},
        {"attributes": {"colour": "crimson"}},
        {"description": "For short coffees."},
        {"translations": {"de": {"title": "Tasse"}}},
        {"family": ""},
    ],
)
def test_the_fingerprint_changes_with_what_is_indexed(products, change):
    before = document(products["CUP-red"]).fingerprint
    Product.objects.filter(sku="CUP-red").update(**change)
    assert document(products["CUP-red"]).fingerprint != before


def test_the_fingerprint_stays_when_nothing_of_it_changes(products):
    before = document(products["CUP-red"]).fingerprint
    Product.objects.filter(sku="CUP-red").update(version=77, updated_at=timezone.now())
    assert document(products["CUP-red"]).fingerprint == before


def test_a_new_name_of_the_category_changes_the_fingerprint(products):
    before = document(products["CUP-red"]).fingerprint
    Category.objects.filter(slug="home").update(name="House")
    assert document(products["CUP-red"]).fingerprint != before


def test_the_number_of_queries_does_not_grow_with_the_products(products):
    def queries(skus):
        with CaptureQueriesContext(connection) as captured:
            assert len(build_documents(products_for_indexing([products[sku].pk for sku in skus]))) == len(skus)
        return len(captured)

    assert queries(["CUP-red"]) == queries(["CUP-red", "CHAIR-1", "LAPTOP-1", "CASE-1"])


def test_long_values_are_searched_but_not_offered(products):
    prose = "An oak from a forest that is looked after. " * 5
    Product.objects.filter(sku="CHAIR-1").update(attributes={"note": prose, "colour": "blue"})
    made = document(products["CHAIR-1"])
    assert made.payload["attribute_values"] == [f"colour{ATTRIBUTE_SEPARATOR}blue"]


@pytest.mark.parametrize(
    ("attributes", "pairs"),
    [
        ({"a": True, "b": False}, [("a", "yes"), ("b", "no")]),
        ({"w": 16.0, "h": 0.5}, [("w", "16"), ("h", "0.5")]),
        ({"c": ["red", "blue", 3]}, [("c", "red"), ("c", "blue"), ("c", "3")]),
        ({"n": None, "d": {"x": 1}, "e": "  ", "f": " x "}, [("f", "x")]),
    ],
)
def test_attribute_values_are_read_as_people_write_them(attributes, pairs):
    assert list(attribute_values(attributes)) == pairs


def test_a_title_that_is_repeated_as_the_model_number_counts_once(products):
    before = document(products["CHAIR-3"]).terms
    products["CHAIR-3"].codes.create(kind="mpn", value="Office chair", normalised="officechair")
    assert document(products["CHAIR-3"]).terms == before
