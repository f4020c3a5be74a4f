"""Every page of the admin opens, for whom it should, with data and without, in a fixed number of queries."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from catalog import services
from catalog.models import ApiKey, Brand, Collection, OutboxEntry, Product, Promotion, Store, Tag, Variant
from catalog.pictures import add_picture

pytestmark = pytest.mark.django_db
CATALOG = "/admin/catalog/"
LISTS = ["product", "category", "brand", "store", "tag", "promotion", "collection", "outboxentry"]


@pytest.fixture
def shop(product, picture_bytes):
    food = services.add_category("Food")
    fruit = services.add_category("Fruit", food)
    brand, store, tag = Brand(name="Acme"), Store(name="Harbour"), Tag(name="New")
    for label in (brand, store, tag):
        services.save_label(label)
    apple = product(
        "A-1", title="Apple", status="published", category=fruit, brand=brand, store=store, price=Decimal("1.50"),
        compare_at_price=Decimal(2), stock=3, mpn="DV7-1211 EA", attributes={"colour": "red"},
    )  # fmt: skip
    apple.tags.add(tag)
    services.save_product(apple, codes={"ean": ["4006381333931"]})
    services.save_variant(Variant(product=apple, sku="A-6", title="Six"))
    add_picture(apple, picture_bytes())
    now = timezone.now()
    for name, days in (("running", 0), ("upcoming", 5), ("expired", -5)):
        start = now + timedelta(days=days - 1)
        row = Promotion(name=name, kind="percent", value=10, starts_at=start, ends_at=start + timedelta(days=3))
        services.save_named(row)
    collection = Collection(title="Picnic")
    services.save_named(collection)
    services.add_to_collection(collection, [apple.pk])
    return apple


@pytest.mark.parametrize("page", ["", *[f"catalog/{name}/" for name in LISTS], "catalog/product/import/"])
def test_empty_pages_say_what_to_do(sign_in, page):
    answer = sign_in("root").get(f"/admin/{page}")
    assert answer.status_code == 200
    if page in ("", "catalog/product/", "catalog/category/", "catalog/outboxentry/"):
        text = answer.content.decode()
        assert any(hint in text for hint in ("catalogue is empty", "no categories yet", "index is up to date"))


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("group", ["viewer", "merchandiser", "administrator", "root"])
def test_lists_with_rows(sign_in, shop, name, group):
    answer = sign_in(group).get(f"{CATALOG}{name}/")
    assert answer.status_code == 200
    assert answer.context["cl"].result_count > 0


@pytest.mark.parametrize("name", [name for name in LISTS if name != "outboxentry"])
@pytest.mark.parametrize("group", ["viewer", "merchandiser", "administrator"])
def test_forms_open(sign_in, shop, name, group):
    from django.apps import apps

    client = sign_in(group)
    row = apps.get_model("catalog", name).objects.first()
    assert client.get(f"{CATALOG}{name}/{row.pk}/change/").status_code == 200
    assert client.get(f"{CATALOG}{name}/{row.pk}/history/").status_code == 200
    assert client.get(f"{CATALOG}{name}/add/").status_code == (403 if group == "viewer" else 200)


@pytest.mark.parametrize("page", ["auth/user/", "auth/group/", "catalog/apikey/", "catalog/auditentry/"])
def test_people_and_keys_are_for_administrators(sign_in, page):
    assert sign_in("administrator").get(f"/admin/{page}").status_code == 200
    assert sign_in("merchandiser").get(f"/admin/{page}").status_code == 403


def test_a_new_api_key_is_shown_once(sign_in):
    client = sign_in("administrator")
    answer = client.post("/admin/catalog/apikey/add/", {"name": "ERP", "scope": ["catalog:write"]}, follow=True)
    text = re.search(r"[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}", answer.content.decode())[0]
    assert ApiKey.objects.find(text).scope == "catalog:write"
    for page in ("", f"{ApiKey.objects.get().pk}/change/"):
        assert text not in client.get(f"/admin/catalog/apikey/{page}").content.decode()


class TestDashboard:
    def test_it_counts(self, sign_in, shop, product, django_assert_max_num_queries):
        product("B", status="published")
        product("C")
        OutboxEntry.objects.filter(product_id=shop.pk).delete()
        failed = Product.objects.get(sku="B")
        OutboxEntry.objects.filter(product_id=failed.pk).update(parked_at=timezone.now(), error="broken picture")
        client = sign_in("viewer")
        with django_assert_max_num_queries(25):
            answer = client.get("/admin/")
        context = answer.context
        assert {row["name"]: row["count"] for row in context["statuses"]} == {
            "Draft": 1, "Published": 2, "Archived": 0,
        }  # fmt: skip
        assert {part["state"]: part["count"] for part in context["index"]} == {"fresh": 1, "waiting": 1, "failed": 1}
        assert {item["label"]: item["count"] for item in context["todo"]} == {
            "without a picture": 1, "without a price": 1, "without a category": 1, "sold out": 1,
        }  # fmt: skip
        text = answer.content.decode()
        assert "broken picture" in text
        assert "running" in text
        assert "Import a file" not in text

    def test_somebody_without_rights_is_told_so(self, sign_in, shop):
        text = sign_in("nobody").get("/admin/").content.decode()
        assert "no rights here yet" in text
        assert "Apple" not in text


class TestProductList:
    def get(self, client, **query):
        return client.get(f"{CATALOG}product/", query)

    def skus(self, client, **query):
        return {row.sku for row in self.get(client, **query).context["cl"].result_list}

    @pytest.mark.slow
    def test_queries_do_not_grow_with_the_products(
        self, merchandiser, shop, product, picture_bytes, django_assert_max_num_queries
    ):
        for number in range(30):
            add_picture(product(str(number), category=shop.category, brand=shop.brand), picture_bytes(number))
        with django_assert_max_num_queries(16):
            assert self.get(merchandiser).context["cl"].result_count == 31

    @pytest.mark.parametrize("words", ["apple", "A-1", "a1", "dv71211ea", "DV7-1211", "4006381333931", "A-6", "App"])
    def test_search_by_title_sku_and_code(self, merchandiser, shop, product, words):
        product("ZZ", title="Pear")
        assert self.skus(merchandiser, q=words) == {"A-1"}

    def test_a_search_for_nothing_known_finds_nothing(self, merchandiser, shop):
        assert self.skus(merchandiser, q="qqqq") == set()
        assert self.get(merchandiser, q="\x00").status_code == 200

    @pytest.mark.slow
    def test_filters(self, merchandiser, shop, product):
        drinks = services.add_category("Drinks")
        product("B", title="Tea", category=drinks, stock=0, price=Decimal(20))
        product("C", status="archived", stock=5)
        OutboxEntry.objects.exclude(product_id=Product.objects.get(sku="B").pk).delete()
        OutboxEntry.objects.update(parked_at=timezone.now(), error="broken")
        food = shop.category.get_parent()
        for query, skus in [
            ({"status__exact": "published"}, {"A-1"}),
            ({"in_category": food.pk}, {"A-1"}),
            ({"in_category": "none"}, {"C"}),
            ({"in_category": "9" * 30}, set()),
            ({"brand__id__exact": shop.brand.pk}, {"A-1"}),
            ({"store__id__exact": shop.store.pk}, {"A-1"}),
            ({"tags__id__exact": shop.tags.first().pk}, {"A-1"}),
            ({"stock_is": "out"}, {"B"}),
            ({"stock_is": "low"}, {"A-1", "C"}),
            ({"pictured": "yes"}, {"A-1"}),
            ({"pictured": "no"}, {"B", "C"}),
            ({"priced": "no"}, {"C"}),
            ({"price_from": "1", "price_to": "1.50"}, {"A-1"}),
            ({"price_from": "NaN"}, set()),
            ({"price_from": "1e999"}, set()),
            ({"index_state": "fresh"}, {"A-1"}),
            ({"index_state": "failed"}, {"B"}),
            ({"index_state": "not indexed"}, {"C"}),
        ]:
            assert self.skus(merchandiser, **query) == skus, query

    def test_counts_beside_the_filters(self, merchandiser, shop):
        assert self.get(merchandiser, _facets="True").status_code == 200

    def test_the_reason_of_a_failure_is_shown(self, merchandiser, shop):
        OutboxEntry.objects.update(parked_at=timezone.now(), error="the picture <b> is cut off")
        text = self.get(merchandiser).content.decode()
        assert "the picture &lt;b&gt; is cut off" in text
        assert (
            "the picture &lt;b&gt; is cut off"
            in merchandiser.get(f"{CATALOG}product/{shop.pk}/change/").content.decode()
        )


@pytest.mark.slow
def test_promotions_show_their_state_and_scope(merchandiser, shop):
    row = Promotion.objects.get(name="running")
    row.brands.add(shop.brand)
    for state in ("running", "upcoming", "expired"):
        found = merchandiser.get(f"{CATALOG}promotion/", {"state": state}).context["cl"].result_list
        assert [promotion.name for promotion in found] == [state]
    text = merchandiser.get(f"{CATALOG}promotion/").content.decode()
    assert "1 brand" in text
    assert "every product" in text


def test_autocompletion_finds_rows(merchandiser, shop):
    for model, field, term in (
        ("promotion", "products", "app"),
        ("product", "brand", "ac"),
        ("product", "tags", "new"),
    ):
        query = {"app_label": "catalog", "model_name": model, "field_name": field, "term": term}
        assert len(merchandiser.get("/admin/autocomplete/", query).json()["results"]) == 1
