"""Rules in real searches: what is shown, counted, paged and explained."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from catalog.models import Brand, Category, Product, Promotion, Tag
from search.merchandising.rules import compiled
from search.models import Rule, RuleAction
from search.query import Filters, SearchRequest, search
from search.remembered import look_again
from tests.indexed import Shop

pytestmark = pytest.mark.django_db


def rule(*actions: dict[str, Any], **fields: Any) -> Rule:
    made = Rule.objects.create(**{"name": "Picnic", "match": "contains", "queries": "cup", **fields})
    for action in actions:
        RuleAction.objects.create(rule=made, **action)
    look_again()
    return made


def skus(q: str = "cup", **more: Any) -> list[str]:
    return [hit.product.sku for hit in search(SearchRequest(q=q, **more)).hits]


def facet(result: Any, name: str) -> dict[str, int]:
    return next(
        ({each.value: each.count for each in facet.values} for facet in result.facets if facet.name == name), {}
    )


def test_a_pinned_product_comes_in_although_it_was_not_found_and_says_why(shop: Shop):
    assert "CHAIR-1" not in skus()
    made = rule({"kind": "pin", "product": shop["CHAIR-1"], "position": 2})
    result = search(SearchRequest(q="cup", explain=True))
    assert result.hits[1].product.sku == "CHAIR-1"
    assert result.hits[1].explanation == {
        "pinned": {"position": 2, "rules": [f"Picnic (rule {made.pk})"], "moved": None}
    }
    assert result.query["rules"] == [{"id": made.pk, "name": "Picnic"}]
    assert "rules" not in search(SearchRequest(q="cup")).query  # shoppers are not told
    answer = APIClient().get("/api/v1/search", {"q": "cup", "explain": "true"})
    assert answer.json()["hits"][1]["explanation"] == {"pinned": {"position": 2, "moved": None}}
    assert "Picnic" not in answer.content.decode()
    assert "CHAIR-1" not in skus("laptop")


def test_totals_and_facets_count_what_was_pinned_and_what_was_hidden(shop: Shop):
    asked = SearchRequest(q="cup", facets=("brand", "attributes.colour"))
    before = search(asked)
    rule(
        {"kind": "pin", "product": shop["CHAIR-1"], "position": 1},
        {"kind": "hide", "product": shop["CUP-red"]},
    )
    after = search(asked)
    assert after.total == before.total
    assert facet(after, "brand")["acme"] == facet(before, "brand")["acme"] - 1
    assert facet(after, "brand").get("nord", 0) == facet(before, "brand").get("nord", 0) + 1
    assert facet(before, "attributes.colour")["red"] == 1
    assert "red" not in facet(after, "attributes.colour")


def test_pages_go_on_where_the_one_before_ended(shop: Shop):
    rule(
        {"kind": "pin", "product": shop["HUB-1"], "position": 2},
        {"kind": "bury", "brand": Brand.objects.get(slug="nord"), "factor": 10.0},
    )
    whole = skus(page_size=50)
    assert whole[1] == "HUB-1"
    assert [sku for page in range(1, len(whole) + 1) for sku in skus(page=page, page_size=1)] == whole


def test_pins_keep_to_stock_status_and_the_shoppers_own_filters(shop: Shop):
    rule({"kind": "pin", "product": shop["CHAIR-1"], "position": 1})
    assert skus()[0] == "CHAIR-1"
    assert "CHAIR-1" not in skus(filters=Filters(brand=("acme",)))
    assert skus(filters=Filters(brand=("nord",)))[0] == "CHAIR-1"
    assert "CHAIR-1" not in skus(not_q="folding")
    Product.objects.filter(sku="CHAIR-1").update(stock=0)
    assert "CHAIR-1" not in skus()
    Product.objects.filter(sku="CHAIR-1").update(stock=5, status="archived")
    assert "CHAIR-1" not in skus()


def test_a_facet_counts_as_if_its_own_filter_were_lifted_pins_included(shop: Shop):
    rule({"kind": "pin", "product": shop["CHAIR-1"], "position": 1})
    result = search(SearchRequest(q="cup", filters=Filters(brand=("acme",))))
    assert "CHAIR-1" not in [hit.product.sku for hit in result.hits]
    assert facet(result, "brand")["nord"] == facet(search(SearchRequest(q="cup")), "brand")["nord"]


def test_an_exact_code_stays_first_unless_something_is_pinned_over_it(shop: Shop):
    made = rule({"kind": "boost", "product": shop["LAPTOP-2"], "factor": 10.0}, match="any", queries="")
    assert skus("dv7-1211ea")[0] == "LAPTOP-1"
    RuleAction.objects.create(rule=made, kind="pin", product=shop["CUP-red"], position=1)
    look_again()
    assert skus("dv7-1211ea")[:2] == ["CUP-red", "LAPTOP-1"]


@pytest.mark.parametrize(
    ("target", "members"),
    [
        ({"brand": "nord"}, {"MUG-black"}),
        ({"tag": "gift"}, {"CUP-red"}),
        ({"attribute": "colour", "value": "green"}, {"CUP-green"}),
        ({"attribute": "colour", "value": "GREEN"}, set()),
        ({"product": "CUP-blue"}, {"CUP-blue"}),
    ],
)
def test_boosting_and_hiding_by_each_kind_of_target(shop: Shop, target, members):
    rows = {"brand": Brand, "tag": Tag}
    named = {
        name: rows[name].objects.get(slug=value) if name in rows else shop[value] if name == "product" else value
        for name, value in target.items()
    }
    before = skus(q="cup mug coffee espresso", page_size=50)
    assert members <= set(before)
    made = rule({"kind": "boost", "factor": 10.0, **named})
    assert set(skus(q="cup mug coffee espresso")[: len(members)]) == members or not members
    made.actions.update(kind="hide", factor=None)
    made.save()
    look_again()
    assert set(skus(q="cup mug coffee espresso", page_size=50)) == set(before) - members


def test_a_category_stands_for_all_below_it(shop: Shop):
    rule({"kind": "hide", "category": Category.objects.get(slug="home")}, match="any", queries="")
    assert skus() == []
    assert "Nothing" in search(SearchRequest(q="cup")).query["message"]
    assert skus("laptop")


def test_browsing_a_category(shop: Shop):
    within = Filters(category="seats")
    before = search(SearchRequest(filters=within))
    last = before.hits[-1].product
    rule(
        {"kind": "pin", "product": shop["CHAIR-1"], "position": 1},
        {"kind": "hide", "product": shop["CHAIR-3"]},
        {"kind": "pin", "product": shop["CUP-red"], "position": 2},  # of another category
        match="none", queries="", category=Category.objects.get(slug="seats"),
    )  # fmt: skip
    after = search(SearchRequest(filters=within, explain=True))
    found = [hit.product.sku for hit in after.hits]
    assert found[0] == "CHAIR-1"
    assert set(found) == {hit.product.sku for hit in before.hits} - {"CHAIR-3"}
    assert after.total == before.total - 1
    assert facet(after, "brand").get("volt", 0) == 0
    assert facet(after, "attributes.material").get("leather", 0) == 0
    assert "pinned" in after.hits[0].explanation
    assert last.sku in found or last.sku == "CHAIR-3"
    assert skus(q="", filters=Filters(category="kitchen")) == skus(q="", filters=Filters(category="kitchen"), rules=())
    by_price = skus(q="", filters=within, sort="-price")
    assert by_price == ["CHAIR-2", "CHAIR-1"]


def test_another_order_than_by_relevance_is_left_alone(shop: Shop):
    rule({"kind": "pin", "product": shop["CHAIR-1"], "position": 1}, {"kind": "hide", "product": shop["CUP-red"]})
    found = search(SearchRequest(q="cup", sort="price"))
    prices = [hit.product.price for hit in found.hits]
    assert prices == sorted(prices)
    assert "CUP-red" not in [hit.product.sku for hit in found.hits]


def test_pins_stay_where_they_are_when_hits_are_put_into_a_shoppers_order(shop: Shop, settings):
    settings.SEARCH_RERANKER = "tests.search.merchandising.test_search.against_pins"
    rule({"kind": "pin", "product": shop["MUG-black"], "position": 1})
    found = search(SearchRequest(q="cup", shopper="somebody", explain=True))
    assert found.query["personal"]
    assert found.hits[0].product.sku == "MUG-black"
    assert "personal" not in found.hits[0].explanation


def against_pins(shopper: Any, ids: Any) -> dict[int, float]:
    return {id: number / len(ids) for number, id in enumerate(ids)}


def test_rules_in_place_of_the_saved_ones(shop: Shop):
    made = rule({"kind": "hide", "product": shop["CUP-red"]})
    assert "CUP-red" in skus(rules=())
    draft = compiled(Rule(match="any", name="Draft"), [RuleAction(kind="pin", product=shop["HUB-1"], position=1)])
    assert skus(rules=(draft,))[0] == "HUB-1"
    assert "CUP-red" in skus(rules=(draft,))
    assert "CUP-red" not in skus()
    assert made.pk


def test_rules_cost_a_fixed_number_of_queries(shop: Shop, django_assert_max_num_queries, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    skus(facets=())
    with CaptureQueriesContext(
        connection,
    ) as bare:
        skus(facets=())
    for number in range(5):
        rule(
            {"kind": "pin", "product": shop["CHAIR-1"], "position": number + 1},
            {"kind": "boost", "brand": Brand.objects.get(slug="nord"), "factor": 2.0},
            {"kind": "bury", "category": Category.objects.get(slug="kitchen"), "factor": 2.0},
            {"kind": "boost", "tag": Tag.objects.get(slug="gift"), "factor": 2.0},
            {"kind": "hide", "attribute": "colour", "value": "green"},
        )
    skus(facets=())
    with django_assert_max_num_queries(len(bare) + 4):
        skus(facets=())


# Leading elsewhere -------------------------------------------------------------------------------------------------


def test_a_search_is_led_elsewhere(shop: Shop, client: Client):
    rule(match="exact", queries="returns", redirect_to="/c/kitchen")
    answer = client.get("/search?q=Returns")
    assert (answer.status_code, answer["Location"]) == (302, "/c/kitchen")
    assert client.get("/search?q=cup").status_code == 200
    told = client.get("/api/v1/search?q=returns").json()
    assert told["query"]["redirect"] == "/c/kitchen"
    assert "redirect" not in client.get("/api/v1/search?q=cup").json()["query"]
    assert client.get("/search?q=returns", headers={"HX-Request": "true"}).status_code == 200


def test_another_host_is_led_to_by_a_page_since_a_form_may_not_end_there(shop: Shop, client: Client):
    rule(match="exact", queries="help", redirect_to="https://help.example/a?b=ü;c")
    answer = client.get("/search?q=help")
    assert answer.status_code == 200
    assert answer["Refresh"] == "0; url=https://help.example/a?b=%C3%BC;c"
    assert "On to help.example" in answer.content.decode()
    assert 'href="https://help.example/a?b=ü;c"' in answer.content.decode()


def test_two_rules_cannot_lead_in_a_circle(shop: Shop, client: Client):
    rule(match="exact", queries="sofa", redirect_to="/search?q=couch")
    assert client.get("/search?q=sofa")["Location"] == "/search?q=couch"
    rule(match="exact", queries="couch", redirect_to="/search?q=sofa")
    assert client.get("/search?q=sofa").status_code == 200
    assert client.get("/search?q=couch").status_code == 200


def test_hostile_words_are_only_words(shop: Shop, client: Client):
    rule(match="exact", queries="returns", redirect_to="/c/kitchen")
    assert client.get("/search?q=returns%00").status_code in (302, 400)
    assert client.get("/search?q=cup&category=%00").status_code in (200, 400)


# Promotions --------------------------------------------------------------------------------------------------------


def test_a_running_promotion_lifts_its_products_so_many_places_and_no_more(shop: Shop, settings):
    Promotion.objects.all().delete()
    before = skus()
    last = before[-1]
    promotion = Promotion.objects.create(
        name="Week", slug="week", kind="percent", value=5, starts_at=timezone.now() - timedelta(days=1)
    )
    promotion.products.add(shop[last])
    assert skus() == before  # 0 is the default
    assert len(before) >= 3
    settings.SEARCH_PROMOTION_LIFT = 1
    result = search(SearchRequest(q="cup", explain=True))
    after = [hit.product.sku for hit in result.hits]
    assert after.index(last) == len(before) - 2
    assert result.hits[after.index(last)].explanation["promotion"] == {"name": "Week", "moved": 1}
    promotion.products.clear()  # now it covers everything, and lifts nothing
    assert skus() == before
