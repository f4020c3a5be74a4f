"""Whatever is sent to the catalogue's endpoints by chance, the answer is never a 5xx.

What their description allows and forbids is sent in tests/hostile/test_schema.py.
"""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from catalog import services
from catalog.models import Brand, Product
from tests.keys import authorization

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
BOUNDED = settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


@pytest.fixture
def key(db) -> str:
    """Some rows to meet, and a key to write with."""
    services.save_label(Brand(name="Acme"))
    services.add_category("Food")
    services.save_product(Product(sku="A-1", title="Thing", status="published"))
    return authorization()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["A-1", "acme", "food", "\x00", "\ud800", "1e999", "9" * 400, "2026-02-30", "=1+1", "../..", "NaN"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = {
    "products/": "sku title description translations attributes mpn ean family category brand store tags price "
    "compare_at_price currency stock status released variants",
    "categories/": "name slug parent translations",
    "brands/": "name slug description",
    "stores/": "name slug description",
    "promotions/": "name slug kind value buy_quantity free_quantity starts_at ends_at active products brands",
    "collections/": "title slug description products",
}


@pytest.mark.parametrize("path", FIELDS)
@settings(BOUNDED, max_examples=60)
@given(data=st.data())
def test_bodies_by_chance(key, path, data):
    names = FIELDS[path].split()
    body = data.draw(st.dictionaries(st.sampled_from(names), VALUES) | VALUES)
    client = APIClient(raise_request_exception=False)
    for method in ("POST", "PATCH"):
        target = {"products/": "products/A-1", "brands/": "brands/acme/"}.get(path, path) if method == "PATCH" else path
        answer = client.generic(
            method, f"/api/v1/{target}", json.dumps(body), content_type="application/json", HTTP_AUTHORIZATION=key
        )
        assert answer.status_code < 500, (method, target, body)


@settings(BOUNDED, max_examples=40)
@given(rows=st.lists(st.dictionaries(st.sampled_from([*FIELDS["products/"].split(), "images", "other"]), VALUES)))
def test_bulk_rows_by_chance(key, rows):
    answer = APIClient(raise_request_exception=False).generic(
        "POST", "/api/v1/products/bulk", json.dumps(rows), content_type="application/json", HTTP_AUTHORIZATION=key
    )
    assert answer.status_code in (200, 400), rows
    if answer.status_code == 200:
        assert len(answer.json()["results"]) == len(rows)
        assert not any("unexpected" in result["reason"] for result in answer.json()["results"])


@settings(BOUNDED, max_examples=60)
@given(
    path=st.sampled_from(sorted(FIELDS)), query=st.dictionaries(st.text(max_size=10), st.text(max_size=20), max_size=3)
)
def test_queries_by_chance(key, path, query):
    assert APIClient(raise_request_exception=False).get(f"/api/v1/{path}", query).status_code < 500
    known = dict(zip(["price_min", "page", "updated_since"], query.values(), strict=False))
    assert APIClient(raise_request_exception=False).get("/api/v1/products/", known).status_code < 500
