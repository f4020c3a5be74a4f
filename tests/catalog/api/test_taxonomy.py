"""Categories, brands, stores, promotions and collections over REST."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog import services
from catalog.api.promotions import CollectionSerializer, PromotionSerializer
from catalog.api.taxonomy import BrandSerializer, CategorySerializer
from catalog.models import Brand, Category, Collection, OutboxEntry, Product, Promotion
from tests.catalog.meanwhile import meanwhile

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/"


class TestCategories:
    def test_the_tree_is_listed_in_its_order_with_few_queries(self, anonymous, django_assert_max_num_queries):
        for top in ("B", "A"):
            parent = services.add_category(top)
            for child in ("x", "y"):
                services.add_category(f"{child} {top}", parent)
        with django_assert_max_num_queries(3):
            rows = anonymous.get(f"{ROOT}categories/").json()["results"]
        assert [(row["name"], row["parent"]) for row in rows] == [
            ("B", None), ("x B", "b"), ("y B", "b"), ("A", None), ("x A", "a"), ("y A", "a"),
        ]  # fmt: skip
        assert {row["name"] for row in anonymous.get(f"{ROOT}categories/", {"parent": "a"}).json()["results"]} == {
            "x A",
            "y A",
        }
        assert len(anonymous.get(f"{ROOT}categories/", {"top": "true"}).json()["results"]) == 2

    def test_adding_renaming_moving_and_deleting(self, keyed, product):
        assert keyed.post(f"{ROOT}categories/", {"name": "Food"}, format="json").status_code == 201
        added = keyed.post(f"{ROOT}categories/", {"name": "Früchte", "parent": "food"}, format="json").json()
        assert (added["slug"], added["full_name"]) == ("früchte", "Food > Früchte")
        row = product(category=Category.objects.get(slug="früchte"))
        OutboxEntry.objects.all().delete()
        keyed.patch(f"{ROOT}categories/food/", {"name": "Essen"}, format="json")
        assert keyed.get(f"{ROOT}categories/früchte/").json()["full_name"] == "Essen > Früchte"
        assert OutboxEntry.objects.get().product_id == row.pk
        moved = keyed.patch(f"{ROOT}categories/früchte/", {"parent": None}, format="json").json()
        assert (moved["full_name"], moved["parent"]) == ("Früchte", None)
        assert keyed.delete(f"{ROOT}categories/food/").status_code == 204
        answer = keyed.delete(f"{ROOT}categories/früchte/")
        assert answer.status_code == 409
        assert "depend on it" in answer.json()["detail"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", "A > B"),
            ("name", "Food"),
            ("name", "x" * 121),
            ("name", "\x00"),
            ("slug", "food"),
            ("slug", "a b"),
            ("parent", "unknown"),
            ("parent", 1),
            ("parent", "fruit"),
            ("parent", "apples"),
            ("translations", []),
            ("depth", 1),
        ],
    )
    def test_bad_values(self, keyed, field, value):
        services.add_category("Food")
        fruit = services.add_category("Fruit")
        services.add_category("Apples", fruit)
        answer = keyed.patch(f"{ROOT}categories/fruit/", {field: value}, format="json")
        assert answer.status_code == 400, answer.json()
        assert Category.objects.get(pk=fruit.pk).full_name == "Fruit"


class TestLabels:
    @pytest.mark.parametrize("kind", ["brands", "stores"])
    def test_making_renaming_and_deleting(self, keyed, anonymous, kind):
        url = f"{ROOT}{kind}/"
        made = keyed.post(url, {"name": "Ācme & Söhne"}, format="json")
        assert (made.status_code, made.json()["slug"]) == (201, "ācme-söhne")
        changed = keyed.patch(f"{url}ācme-söhne/", {"name": "Acme"}, format="json").json()
        assert (changed["name"], changed["slug"]) == ("Acme", "ācme-söhne")
        assert anonymous.get(url, {"name": "acm"}).json()["count"] == 1
        assert keyed.delete(f"{url}ācme-söhne/").status_code == 204

    def test_a_name_is_taken_once(self, keyed):
        keyed.post(f"{ROOT}brands/", {"name": "Acme"}, format="json")
        answer = keyed.post(f"{ROOT}brands/", {"name": "Acme"}, format="json")
        assert answer.status_code == 400
        assert "name" in answer.json()

    def test_renaming_marks_the_products(self, keyed, product):
        brand = Brand(name="Acme")
        services.save_label(brand)
        row = product(brand=brand)
        OutboxEntry.objects.all().delete()
        keyed.patch(f"{ROOT}brands/acme/", {"name": "Acme Ltd"}, format="json")
        assert OutboxEntry.objects.get().product_id == row.pk

    def test_with_products_it_stays(self, keyed, product):
        brand = Brand(name="Acme")
        services.save_label(brand)
        product(brand=brand)
        assert keyed.delete(f"{ROOT}brands/acme/").status_code == 409

    @pytest.mark.parametrize("slug", ["none", "%00", "a%2Fb", "%ED%A0%80"])
    def test_what_is_not_there(self, anonymous, slug):
        assert anonymous.get(f"{ROOT}brands/{slug}/").status_code == 404


class TestPromotions:
    def promotion(self, **fields):
        now = timezone.now()
        return {
            "name": "Sale",
            "kind": "percent",
            "value": "10.00",
            "starts_at": (now - timedelta(days=1)).isoformat(),
            "ends_at": (now + timedelta(days=1)).isoformat(),
        } | fields

    def test_made_with_its_scope_and_shown_with_its_state(self, keyed, product, django_assert_max_num_queries):
        services.add_category("Food")
        for sku in ("A", "B"):
            product(sku, status="published")
        made = keyed.post(f"{ROOT}promotions/", self.promotion(products=["B", "A"], categories=["food"]), format="json")
        assert made.status_code == 201, made.json()
        assert made.json()["state"] == "running"
        with django_assert_max_num_queries(7):
            shown = keyed.get(f"{ROOT}promotions/sale/").json()
        assert (shown["products"], shown["categories"], shown["brands"]) == (["A", "B"], ["food"], [])
        keyed.patch(f"{ROOT}promotions/sale/", {"products": []}, format="json")
        assert keyed.get(f"{ROOT}promotions/sale/").json()["products"] == []

    def test_what_is_planned_and_what_is_a_draft_shows_with_a_key_alone(self, keyed, anonymous, product):
        product("A", status="published")
        product("B", status="draft")
        later = (timezone.now() + timedelta(days=2)).isoformat()
        keyed.post(f"{ROOT}promotions/", self.promotion(products=["A", "B"]), format="json")
        keyed.post(f"{ROOT}promotions/", self.promotion(name="Later", starts_at=later, ends_at=None), format="json")
        assert [row["name"] for row in anonymous.get(f"{ROOT}promotions/").json()["results"]] == ["Sale"]
        assert anonymous.get(f"{ROOT}promotions/sale/").json()["products"] == ["A"]
        assert anonymous.get(f"{ROOT}promotions/later/").status_code == 404
        assert len(keyed.get(f"{ROOT}promotions/").json()["results"]) == 2

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("value", "101"),
            ("value", "-1"),
            ("value", "NaN"),
            ("kind", "gift"),
            ("kind", "buy_x_get_y"),
            ("ends_at", "2000-01-01T00:00:00Z"),
            ("starts_at", "soon"),
            ("starts_at", "9999-12-31T23:59:59-23:59"),
            ("products", ["unknown"]),
            ("products", "A"),
            ("products", ["x"] * 6000),
            ("categories", [None]),
            ("buy_quantity", 10**9),
            ("state", "running"),
        ],
    )
    def test_bad_values(self, keyed, field, value):
        answer = keyed.post(f"{ROOT}promotions/", self.promotion(**{field: value}), format="json")
        assert answer.status_code == 400, answer.json()
        assert not Promotion.objects.exists()


class TestCollections:
    def test_the_order_is_kept(self, keyed, anonymous, product):
        for sku in ("A", "B", "C"):
            product(sku, status="draft" if sku == "B" else "published")
        body = {"title": "Picnic", "products": ["C", "B", "A"]}
        assert keyed.post(f"{ROOT}collections/", body, format="json").json()["products"] == ["C", "B", "A"]
        assert anonymous.get(f"{ROOT}collections/picnic/").json()["products"] == ["C", "A"]
        keyed.patch(f"{ROOT}collections/picnic/", {"products": ["A"]}, format="json")
        assert keyed.get(f"{ROOT}collections/").json()["results"][0]["products"] == ["A"]
        assert keyed.delete(f"{ROOT}collections/picnic/").status_code == 204
        assert Product.objects.count() == 3
        assert not Collection.objects.exists()

    def test_lists_cost_a_fixed_number_of_queries(self, anonymous, product, django_assert_max_num_queries):
        for number in range(6):
            collection = Collection(title=f"C{number}")
            services.save_named(collection)
            services.add_to_collection(collection, [product(str(number), status="published").pk])
        with django_assert_max_num_queries(3):
            assert len(anonymous.get(f"{ROOT}collections/").json()["results"]) == 6


def test_writing_takes_a_key(anonymous):
    for kind in ("categories", "brands", "stores", "promotions", "collections"):
        assert anonymous.get(f"{ROOT}{kind}/").status_code == 200
        assert anonymous.post(f"{ROOT}{kind}/", {"name": "X"}, format="json").status_code == 403


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "serializer", "made", "sent"),
    [
        ("brands", BrandSerializer, {"name": "Acme"}, {"name": "Acme & Sons"}),
        ("collections", CollectionSerializer, {"title": "Gifts"}, {"title": "Presents"}),
        ("promotions", PromotionSerializer, {"name": "Sale", "kind": "percent", "value": 10}, {"value": "20.00"}),
    ],
    ids=["brand", "collection", "promotion"],
)
def test_a_field_that_was_not_sent_stays_as_somebody_else_wrote_it_meanwhile(keyed, path, serializer, made, sent):
    model, now = serializer.Meta.model, timezone.now()
    times = {"starts_at": now, "ends_at": now + timedelta(days=1)} if model is Promotion else {}
    model.objects.create(slug="it", description="old", **made, **times)
    with meanwhile(serializer, lambda: model.objects.update(description="new")):
        answer = keyed.patch(f"{ROOT}{path}/it/", sent, format="json")
    assert answer.status_code == 200, answer.content
    row = model.objects.get()
    assert row.description == "new"
    assert keyed.options(f"{ROOT}{path}/it/").status_code == 200, "which looks the row up outside of any change"
    assert all(str(getattr(row, name)) == value for name, value in sent.items())


@pytest.mark.django_db(transaction=True)
def test_a_category_s_labels_stay_as_somebody_else_wrote_them_meanwhile(keyed):
    services.add_category("Food", slug="it")
    labels = {"de": {"name": "Essen"}}
    with meanwhile(CategorySerializer, lambda: Category.objects.update(translations=labels)):
        assert keyed.patch(f"{ROOT}categories/it/", {"name": "Foods"}, format="json").status_code == 200
    assert Category.objects.values_list("name", "translations").get() == ("Foods", labels)
