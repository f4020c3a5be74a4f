"""What a search finds where the vector store is away: by words, filters and codes, and it says so."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from catalog.models import Product
from search.query import Filters, SearchRequest, SearchUnavailable, search

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _away(shop, settings, monkeypatch):
    """Nobody listens at the store's address."""
    monkeypatch.setattr("search.index.client.REMOTE_PATIENCE", 0.05)
    settings.QDRANT_URL = "http://127.0.0.1:9"


def skus(request: SearchRequest) -> list[str]:
    return [hit.product.sku for hit in search(request).hits]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("folding chair", {"CHAIR-1", "CHAIR-2", "CHAIR-3"}),
        ("CHAIRS", {"CHAIR-1", "CHAIR-2", "CHAIR-3"}),
        ("nord laptops", {"LAPTOP-1", "LAPTOP-2", "CASE-1", "MUG-black", "CHAIR-1", "CHAIR-2"}),
        ("kitchen", {"CUP-red", "CUP-blue", "CUP-green", "MUG-black"}),
        ("dv7-1211ea", {"LAPTOP-1"}),
        ("secret", set()),
        ("lap", set()),
        ("%", set()),
    ],
)
def test_words_find_titles_brands_categories_and_codes(q, found):
    result = search(SearchRequest(q=q, understand=False))
    assert {hit.product.sku for hit in result.hits} == found
    assert result.total == len(found)
    assert "does not answer" in result.query["degraded"][0]
    assert "127.0.0.1" not in str(result.query)


def test_what_says_all_the_words_comes_first_and_titles_before_brands():
    assert skus(SearchRequest(q="folding chair"))[0] == "CHAIR-1"
    assert set(skus(SearchRequest(q="volt laptop"))[:2]) == {"LAPTOP-1", "LAPTOP-2"}
    assert skus(SearchRequest(q="cup blue"))[0] == "CUP-blue"


def test_filters_facets_pages_and_orders_hold():
    filters = Filters(brand=("nord",), attributes={"material": ("oak",)})
    result = search(SearchRequest(q="chair", filters=filters))
    assert {hit.product.sku for hit in result.hits} == {"CHAIR-1", "CHAIR-2"}
    brands = next(facet for facet in result.facets if facet.name == "brand")
    assert {value.value for value in brands.values} == {"nord"}, "the other chair is of leather"
    lifted = search(SearchRequest(q="chair", filters=Filters(brand=("nord",))))
    brands = next(facet for facet in lifted.facets if facet.name == "brand")
    assert {value.value: value.count for value in brands.values} == {"nord": 2, "volt": 1}
    by_price = [skus(SearchRequest(q="chair", sort="-price", page=page, page_size=1))[0] for page in (1, 2, 3)]
    assert by_price == ["CHAIR-3", "CHAIR-2", "CHAIR-1"]
    assert skus(SearchRequest(q="chair", page=2, page_size=3)) == []


def test_words_imply_prices_and_take_away():
    assert set(skus(SearchRequest(q="chair under 100"))) == {"CHAIR-1"}
    assert set(skus(SearchRequest(q="chair", not_q="deck"))) == {"CHAIR-1", "CHAIR-3"}
    assert "MUG-black" not in skus(SearchRequest(not_q="mug"))


def test_what_is_not_done_is_not_said_to_be_done():
    understood = search(SearchRequest(q="blue cup")).query.get("understood", [])
    assert all(each["applied"] != "filter" for each in understood)


def test_lists_with_attributes_go_on_as_well():
    result = search(SearchRequest(filters=Filters(attributes={"colour": ("black",)})))
    assert {hit.product.sku for hit in result.hits} == {"MUG-black", "CHAIR-3", "LAPTOP-1", "CASE-1"}
    assert result.query["mode"] == "browse"


def test_only_what_is_published_is_shown(shop):
    Product.objects.filter(sku="CHAIR-1").update(status="archived")
    assert set(skus(SearchRequest(q="chair"))) == {"CHAIR-2", "CHAIR-3"}


def test_a_picture_alone_cannot_be_searched_and_one_with_words_is_left_out(shop):
    with pytest.raises(SearchUnavailable, match="Pictures"):
        search(SearchRequest(image=Image.new("RGB", (8, 8))))
    result = search(SearchRequest(q="chair", image=Image.new("RGB", (8, 8))))
    assert result.total == 3
    assert "The pictures were left out." in result.query["degraded"]


def test_the_number_of_queries_does_not_grow_with_the_hits():
    def queries(q: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            search(SearchRequest(q=q, facets=()))
        return len(captured)

    queries("cup")
    assert queries("espresso cup laptop chair") == queries("hub")
