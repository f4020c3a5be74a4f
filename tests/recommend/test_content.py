"""What is like a product, and what looks like it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from catalog.models import Product
from recommend.serving import memory
from recommend.surfaces import SURFACES, Ask
from search.index.errors import VectorStoreError


def similar(product, limit):
    return SURFACES["similar"](Ask(None, product=product, limit=limit)).hits


def visually_similar(product, limit):
    return SURFACES["visually-similar"](Ask(None, product=product, limit=limit)).hits


def skus(found) -> list[str]:
    return [each.product.sku for each in found]


def test_similar_products_are_of_the_same_department_and_not_of_the_same_family(shop):
    found = skus(similar(shop["CUP-red"], 10))
    assert found
    assert not {"CUP-red", "CUP-blue", "CUP-green", "LAPTOP-1", "CASE-1"} & set(found)


def test_one_of_each_family_is_shown(shop):
    found = skus(similar(shop["CHAIR-1"], 10))
    assert sum(sku.startswith("CUP-") for sku in found) == 1


def test_what_is_sold_out_or_gone_is_not_shown_though_the_index_lags(shop):
    assert "CHAIR-2" not in skus(similar(shop["CHAIR-1"], 10))
    assert "CHAIR-3" in skus(similar(shop["CHAIR-1"], 10))
    Product.objects.filter(sku="CHAIR-3").update(stock=0)
    Product.objects.filter(sku="MUG-black").update(status="archived")
    assert not {"CHAIR-3", "MUG-black"} & set(skus(similar(shop["CHAIR-1"], 10)))


def test_what_looks_alike_comes_first_and_is_said_to(shop):
    found = visually_similar(shop["CHAIR-1"], 3)
    assert found[0].reason == "Looks like Folding chair"
    assert found[0].product.sku == "CUP-blue"  # the other blue thing of the department that can be bought
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


def test_a_product_without_a_picture_looks_like_nothing(shop):
    assert visually_similar(shop["LAPTOP-1"], 5) == []


def test_a_reason_is_true_of_both(shop):
    reasons = {each.product.sku: each.reason for each in similar(shop["LAPTOP-1"], 10)}
    assert reasons["LAPTOP-2"] == "Similar to Volt laptop 15 inch: both in Computers, by Volt"
    assert "by Volt" not in reasons["HUB-1"]
    reasons = {each.product.sku: each.reason for each in similar(shop["CHAIR-2"], 10)}
    assert "oak" in reasons["CHAIR-1"]
    assert "oak" not in reasons["CHAIR-3"]


def test_the_limit_is_kept(shop):
    assert len(similar(shop["CHAIR-1"], 1)) == 1


def test_a_product_that_is_not_indexed_yet_has_none(shop):
    assert similar(shop["DRAFT-1"], 5) == []


def test_the_number_of_queries_does_not_grow(shop, monkeypatch):
    monkeypatch.setattr("recommend.serving.profile.live", lambda: None)  # which asks for a model once a second

    def queries(limit):
        memory.forget()
        with CaptureQueriesContext(connection) as captured:
            similar(shop["CHAIR-1"], limit)
        return len(captured)

    queries(1)
    assert queries(1) == queries(3) <= 6


# REST -----------------------------------------------------------------------------------------------------------


def get(surface: str, **params):
    return APIClient().get(f"/api/v1/recommendations/{surface}", params)


@pytest.mark.parametrize("surface", ["similar", "visually-similar"])
def test_recommendations_over_rest_have_reasons(shop, surface):
    answer = get(surface, product="CHAIR-1", limit=2).json()
    assert answer["surface"] == surface
    assert len(answer["hits"]) == 2
    assert all(hit["reason"] and hit["sku"] for hit in answer["hits"])


def test_an_unknown_surface_is_a_404_that_lists_the_others(shop):
    answer = get("psychic", product="CHAIR-1")
    assert answer.status_code == 404
    assert "promotions, similar, sponsored" in answer.json()["detail"]


@pytest.mark.parametrize(
    "params",
    [{}, {"product": "NOPE"}, {"product": "DRAFT-1"}, {"product": "a\0"}, {"product": "CHAIR-1", "limit": "0"},
     {"product": "CHAIR-1", "limit": "999"}, {"product": "CHAIR-1", "x": "1"}, {"product": ["CHAIR-1", "CHAIR-2"]}],
)  # fmt: skip
def test_bad_parameters_are_a_400(shop, params):
    assert get("similar", **params).status_code == 400


def test_while_the_store_is_down_what_is_in_its_category_stands_in(shop, monkeypatch):
    def down(_ask):
        raise VectorStoreError("no answer", permanent=False)

    monkeypatch.setattr("recommend.surfaces.content.on_live", down)
    told = get("similar", product="CHAIR-1").json()
    assert [hit["sku"] for hit in told["hits"]] == ["CHAIR-3"], "the other one is sold out"
    assert told["hits"][0]["reason"] == "Also in Seats"
    assert told["degraded"]
