"""Products over REST: who sees what, what may be written, and that every bad request is a clear 4xx."""

import json
from decimal import Decimal

import pytest

from catalog import services
from catalog.api.serializers import ProductSerializer
from catalog.models import Brand, OutboxEntry, Product, Store, Tag, Variant
from catalog.pictures import add_picture
from tests.catalog.meanwhile import meanwhile

pytestmark = pytest.mark.django_db
LIST = "/api/v1/products/"


def one(sku: str) -> str:
    return f"/api/v1/products/{sku}"


@pytest.fixture
def shop(product):
    """A little of everything."""
    food = services.add_category("Food")
    fruit = services.add_category("Fruit", food)
    brand, store, tag = Brand(name="Acme"), Store(name="Harbour"), Tag(name="New")
    for label in (brand, store, tag):
        services.save_label(label)
    apple = product("A", title="Apple", status="published", category=fruit, brand=brand, price=Decimal("1.50"), stock=3)
    apple.tags.add(tag)
    product("B", title="Bread", status="published", category=food, store=store, price=Decimal(4))
    product("C", title="Cake", status="draft", price=Decimal(9))
    return {"fruit": fruit, "food": food, "brand": brand, "store": store, "tag": tag}


class TestReading:
    def test_anonymous_readers_see_only_what_is_published(self, shop, anonymous, keyed):
        assert {row["sku"] for row in anonymous.get(LIST).json()["results"]} == {"A", "B"}
        assert {row["sku"] for row in keyed.get(LIST).json()["results"]} == {"A", "B", "C"}
        assert anonymous.get(one("C")).status_code == 404
        assert keyed.get(one("C")).json()["status"] == "draft"

    def test_a_revoked_key_is_no_key(self, shop, keyed):
        from catalog.models import ApiKey

        ApiKey.objects.update(revoked=True)
        assert keyed.get(one("C")).status_code == 404
        assert keyed.delete(one("A")).status_code == 403

    def test_a_product_is_shown_whole(self, shop, anonymous, picture_bytes):
        apple = Product.objects.get(sku="A")
        services.save_product(apple, codes={"ean": ["4006381333931"]})
        services.save_variant(Variant(product=apple, sku="A-6", title="Six", price=Decimal(8)))
        add_picture(apple, picture_bytes(), alt="An apple")
        shown = anonymous.get(one("A")).json()
        assert (shown["price"], shown["compare_at_price"]) == ("1.50", None)
        assert (shown["category"], shown["category_name"]) == ("fruit", "Food > Fruit")
        assert (shown["brand"], shown["brand_name"], shown["store"], shown["store_name"]) == (
            "acme",
            "Acme",
            None,
            None,
        )
        assert (shown["tags"], shown["ean"]) == (["new"], ["4006381333931"])
        assert [variant["sku"] for variant in shown["variants"]] == ["A-6"]
        assert [picture["alt"] for picture in shown["pictures"]] == ["An apple"]

    @pytest.mark.parametrize("sku", ["a/b", "a.b", "../etc", "ä ö", "100%", "a/b/pictures/x", "x?y", "#1", "."])
    def test_a_sku_may_hold_anything(self, anonymous, product, sku):
        from urllib.parse import quote

        product(sku, status="published")
        assert anonymous.get(one(quote(sku, safe=""))).json()["sku"] == sku

    @pytest.mark.parametrize("sku", ["bulk", "x/pictures"])
    def test_a_sku_that_looks_like_another_address_is_found_in_the_list(self, anonymous, product, sku):
        product(sku, status="published")
        assert [row["sku"] for row in anonymous.get(LIST, {"sku": sku}).json()["results"]] == [sku]

    @pytest.mark.parametrize(
        ("query", "skus"),
        [
            ({"category": "food"}, {"A", "B"}),
            ({"category": "fruit"}, {"A"}),
            ({"category": "unknown"}, set()),
            ({"brand": "acme"}, {"A"}),
            ({"store": "harbour"}, {"B"}),
            ({"tag": "new"}, {"A"}),
            ({"price_min": "2"}, {"B"}),
            ({"price_max": "1.50"}, {"A"}),
            ({"in_stock": "true"}, {"A"}),
            ({"in_stock": "false"}, {"B"}),
            ({"status": "draft"}, set()),
            ({"updated_since": "2999-01-01T00:00:00Z"}, set()),
        ],
    )
    def test_filters(self, shop, anonymous, query, skus):
        assert {row["sku"] for row in anonymous.get(LIST, query).json()["results"]} == skus

    def test_ordering_and_pages(self, shop, anonymous):
        rows = anonymous.get(LIST, {"ordering": "-price", "page_size": 1}).json()
        assert (rows["count"], [row["sku"] for row in rows["results"]]) == (2, ["B"])
        assert anonymous.get(rows["next"]).json()["results"][0]["sku"] == "A"

    def test_a_page_holds_at_most_200(self, anonymous, product):
        Product.objects.bulk_create(Product(sku=str(i), slug=str(i), title="T", status="published") for i in range(205))
        assert len(anonymous.get(LIST, {"page_size": 100_000}).json()["results"]) == 200

    def test_the_number_of_queries_does_not_grow_with_the_products(
        self, anonymous, product, picture_bytes, django_assert_max_num_queries
    ):
        category = services.add_category("Food")
        for number in range(12):
            row = product(str(number), status="published", category=category)
            services.save_variant(Variant(product=row, sku=f"v{number}", title="V"))
            add_picture(row, picture_bytes(number))
        with django_assert_max_num_queries(7):
            assert len(anonymous.get(LIST).json()["results"]) == 12

    @pytest.mark.parametrize(
        "query",
        [
            {"price_min": "NaN"},
            {"price_min": "Infinity"},
            {"price_min": "1e400"},
            {"price_max": "9" * 400},
            {"price_max": "abc"},
            {"status": "gone"},
            {"ordering": "version"},
            {"sku": "\x00"},
            {"sku": "x" * 10_000},
            {"updated_since": "yesterday"},
            {"unknown": "1"},
        ],
    )
    def test_bad_filters_are_told(self, anonymous, query):
        answer = anonymous.get(LIST, query)
        assert answer.status_code == 400
        assert next(iter(query)) in answer.json()

    @pytest.mark.parametrize("page", ["0", "-1", "x", "9" * 40])
    def test_pages_that_do_not_exist(self, anonymous, page):
        assert anonymous.get(LIST, {"page": page}).status_code == 404


class TestWriting:
    def test_it_takes_a_key(self, anonymous, product):
        product(status="published")
        for answer in (
            anonymous.post(LIST, {"sku": "X", "title": "T"}, format="json"),
            anonymous.patch(one("A-1"), {"title": "T"}, format="json"),
            anonymous.delete(one("A-1")),
            anonymous.post("/api/v1/products/bulk", [], format="json"),
            anonymous.post(one("A-1/pictures"), {"url": "https://example.com/a.png"}, format="json"),
        ):
            assert answer.status_code == 403
            assert "Api-Key" in answer.json()["detail"]

    def test_a_product_with_all_its_parts(self, shop, keyed):
        answer = keyed.post(
            LIST,
            {
                "sku": "N/1",
                "title": "Nougat",
                "status": "published",
                "category": "fruit",
                "brand": "acme",
                "tags": ["new"],
                "ean": ["4006381333931"],
                "mpn": "M-1",
                "price": "2.50",
                "attributes": {"colour": "brown", "weight_g": 120, "sizes": ["S", "M"]},
                "variants": [{"sku": "N/1-a", "title": "Small", "price": "1.10", "stock": 2}],
            },
            format="json",
        )
        assert answer.status_code == 201, answer.json()
        row = Product.objects.get(sku="N/1")
        assert answer.json()["version"] == row.version
        assert (row.category, row.brand, row.price) == (shop["fruit"], shop["brand"], Decimal("2.50"))
        assert set(row.codes.values_list("kind", "value")) == {
            ("sku", "N/1"), ("sku", "N/1-a"), ("mpn", "M-1"), ("ean", "4006381333931"),
        }  # fmt: skip
        assert row.history.first().history_change_reason == "API key tests"
        assert OutboxEntry.objects.filter(product_id=row.pk).exists()

    def test_a_change_marks_the_product_and_leaves_the_rest(self, shop, keyed):
        row = Product.objects.get(sku="A")
        OutboxEntry.objects.all().delete()
        answer = keyed.patch(one("A"), {"price": "2.00"}, format="json")
        assert (answer.status_code, answer.json()["price"], answer.json()["tags"]) == (200, "2.00", ["new"])
        assert answer.json()["version"] > row.version
        assert OutboxEntry.objects.get().product_id == row.pk

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_a_field_that_was_not_sent_stays_as_somebody_else_wrote_it_meanwhile(self, keyed, product):
        product("A", price=Decimal(1), stock=1)
        with meanwhile(ProductSerializer, lambda: Product.objects.filter(sku="A").update(stock=77)):
            assert keyed.patch(one("A"), {"price": "2.00"}, format="json").status_code == 200
        assert Product.objects.values_list("price", "stock").get() == (Decimal(2), 77)

    def test_variants_and_eans_are_replaced_as_a_whole(self, keyed, product):
        row = product()
        for sku in ("v1", "v2"):
            services.save_variant(Variant(product=row, sku=sku, title="old"))
        kept = row.variants.get(sku="v2").pk
        variants = [{"sku": "v3", "title": "new"}, {"sku": "v2", "title": "kept"}]
        answer = keyed.patch(one("A-1"), {"variants": variants, "ean": ["12345678"]}, format="json")
        assert [(v["sku"], v["title"]) for v in answer.json()["variants"]] == [("v3", "new"), ("v2", "kept")]
        assert row.variants.get(sku="v2").pk == kept
        assert set(row.codes.values_list("value", flat=True)) == {"A-1", "v2", "v3", "12345678"}

    def test_deleting_leaves_an_outbox_entry(self, keyed, product):
        row = product()
        OutboxEntry.objects.all().delete()
        assert keyed.delete(one("A-1")).status_code == 204
        assert OutboxEntry.objects.get().product_id == row.pk

    def test_a_sku_that_is_taken_and_a_sku_that_changes(self, keyed, product):
        product()
        assert keyed.post(LIST, {"sku": "A-1", "title": "T"}, format="json").json() == {
            "sku": ["There is a product with this SKU already."]
        }
        assert keyed.patch(one("A-1"), {"sku": "B"}, format="json").status_code == 400

    def test_a_variant_of_another_product_cannot_be_taken(self, keyed, product):
        services.save_variant(Variant(product=product("B"), sku="v", title="T"))
        product("A")
        answer = keyed.patch(one("A"), {"variants": [{"sku": "v", "title": "T"}]}, format="json")
        assert answer.status_code == 400
        assert "other products" in str(answer.json())

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("price", -1),
            ("price", "NaN"),
            ("price", "Infinity"),
            ("price", "1e400"),
            ("price", "9" * 2000),
            ("price", True),
            ("price", []),
            ("price", {"a": 1}),
            ("price", "1.234"),
            ("compare_at_price", "-0.01"),
            ("stock", -1),
            ("stock", 10**30),
            ("stock", "many"),
            ("stock", 1.5),
            ("title", ""),
            ("title", None),
            ("title", "x" * 501),
            ("title", "a\x00b"),
            ("title", "\ud800"),
            ("title", ["a"]),
            ("description", "x" * 200_000),
            ("status", "gone"),
            ("currency", "EURO"),
            ("currency", "e\n"),
            ("category", "unknown"),
            ("category", 7),
            ("category", {"slug": "x"}),
            ("category", "\x00"),
            ("category", "\ud800"),
            ("tags", "new"),
            ("tags", ["unknown"]),
            ("tags", [1]),
            ("tags", ["\x00"]),
            ("tags", ["\ud800"]),
            ("ean", ["12"]),
            ("ean", [12345678.5]),
            ("attributes", [1, 2]),
            ("attributes", "red"),
            ("attributes", {"a": {"b": 1}}),
            ("attributes", {"a": [[1]]}),
            ("attributes", {"": 1}),
            ("attributes", {"a\x00": 1}),
            ("attributes", {"a": "\ud800"}),
            ("attributes", {"a": 10**40}),
            ("attributes", {"a": "x" * 200_000}),
            ("attributes", {str(i): i for i in range(600)}),
            ("translations", {"de": "Apfel"}),
            ("released", "31.12.2020"),
            ("released", "99999-01-01"),
            ("variants", [{"sku": "v"}]),
            ("variants", [{"sku": "v", "title": "a"}, {"sku": "v", "title": "b"}]),
            ("variants", [{"sku": "v", "title": "a", "price": "-1"}]),
            ("variants", [{"sku": "v", "title": "a", "size": 1}]),
            ("variants", {"sku": "v"}),
            ("colour", "red"),
            ("version", 7),
            ("slug", "mine"),
        ],
    )
    def test_bad_values_are_told_by_field_and_change_nothing(self, keyed, product, field, value):
        row = product()
        OutboxEntry.objects.all().delete()
        answer = keyed.generic("PATCH", one("A-1"), json.dumps({field: value}), content_type="application/json")
        assert answer.status_code == 400
        assert field in answer.json()
        row.refresh_from_db()
        assert row.version == 1
        assert not OutboxEntry.objects.exists()

    @pytest.mark.parametrize("sku", ["", " ", "a\nb", "a\x00", "\ud800", "x" * 65, None, "a\x7f"])
    def test_bad_skus(self, keyed, sku):
        answer = keyed.generic("POST", LIST, json.dumps({"sku": sku, "title": "T"}), content_type="application/json")
        assert answer.status_code == 400
        assert "sku" in answer.json()

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[1",
            b'{"price": NaN}',
            b'{"price": -Infinity}',
            b"\xff\xfe",
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b'{"stock": ' + b"9" * 10_000 + b"}",
            b"null",
            b"7",
            b'"text"',
            b"[]",
        ],
    )
    def test_broken_bodies(self, keyed, body):
        for method, address in (("POST", LIST), ("POST", "/api/v1/brands/"), ("POST", "/api/v1/categories/")):
            answer = keyed.generic(method, address, body, content_type="application/json")
            assert answer.status_code == 400, (address, answer.content[:200])
            assert answer.json()

    def test_a_body_that_is_too_large(self, keyed):
        body = json.dumps({"sku": "A", "title": "T", "description": "x" * 10_000_000})
        answer = keyed.generic("POST", LIST, body, content_type="application/json")
        assert answer.status_code == 413
        assert "at most" in answer.json()["detail"]

    def test_another_content_type(self, keyed):
        assert keyed.generic("POST", LIST, b"sku=A", content_type="text/plain").status_code == 415
