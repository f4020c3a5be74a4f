"""What is saved in the admin goes through the services: version, outbox, codes, history, tree and files are right."""

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog import services
from catalog.models import Brand, Category, Collection, OutboxEntry, Picture, Product, Promotion, Tag, Variant
from catalog.pictures import add_picture

pytestmark = pytest.mark.django_db
PRODUCT = "/admin/catalog/product/"
CATEGORY = "/admin/catalog/category/"


def form(**fields):
    """The fields of the product form, with empty inlines."""
    data = {
        "title": "Mug", "sku": "M-1", "status": "draft", "description": "", "category": "", "brand": "", "store": "",
        "price": "", "compare_at_price": "", "currency": "EUR", "stock": "1", "released": "", "attributes": "",
        "mpn": "", "family": "", "eans": "", "translations": "{}", "slug": "",
    }  # fmt: skip
    for prefix in ("pictures", "variants"):
        data |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    return data | fields


def inline(prefix, rows, initial=0):
    data = {f"{prefix}-TOTAL_FORMS": str(len(rows)), f"{prefix}-INITIAL_FORMS": str(initial)}
    for number, row in enumerate(rows):
        data |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return data


def errors(answer) -> str:
    context = answer.context
    return str(context["errors"]) if context and "errors" in context else ""


class TestProducts:
    def test_adding_one_with_everything(self, merchandiser, picture_bytes):
        tag = Tag(name="New")
        services.save_label(tag)
        answer = merchandiser.post(
            f"{PRODUCT}add/",
            form(
                status="published",
                price="9.90",
                mpn="MX 1",
                eans="4006381333931, 12345678",
                tags=[tag.pk],
                attributes='colour: red\nweight_g: 120\nsizes: ["S", "M"]\ncode: "120"',
            )
            | inline("variants", [{"sku": "M-1-L", "title": "Large", "stock": "2", "attributes": "", "position": "0"}])
            | inline(
                "pictures",
                [{"upload": SimpleUploadedFile("a.png", picture_bytes()), "alt": "Front", "position": "0"}],
            ),
        )
        assert answer.status_code == 302, errors(answer)
        row = Product.objects.get(sku="M-1")
        assert row.attributes == {"colour": "red", "weight_g": 120, "sizes": ["S", "M"], "code": "120"}
        assert row.published_at is not None
        assert set(row.codes.values_list("kind", "value")) == {
            ("sku", "M-1"), ("sku", "M-1-L"), ("mpn", "MX 1"), ("ean", "4006381333931"), ("ean", "12345678"),
        }  # fmt: skip
        assert [picture.alt for picture in row.pictures.all()] == ["Front"]
        assert list(row.tags.all()) == [tag]
        assert OutboxEntry.objects.filter(product_id=row.pk).exists()
        assert row.history.first().history_user.username == "merchandiser"

    def test_changing_the_title_keeps_slug_and_marks(self, merchandiser, product):
        row = product("M-1", title="Mug")
        OutboxEntry.objects.all().delete()
        answer = merchandiser.post(f"{PRODUCT}{row.pk}/change/", form(title="Cup", slug=row.slug))
        assert answer.status_code == 302, errors(answer)
        row.refresh_from_db()
        assert (row.title, row.slug) == ("Cup", "mug")
        assert row.version > 1
        assert OutboxEntry.objects.get().product_id == row.pk

    def test_what_is_sold_while_the_form_is_open_stays_sold(self, merchandiser, product):
        row = product("M-1", title="Mug", stock=5)
        address = f"{PRODUCT}{row.pk}/change/"
        shown = merchandiser.get(address).content.decode()
        assert 'name="initial-stock" value="5"' in shown
        Product.objects.filter(pk=row.pk).update(stock=3)
        merchandiser.post(address, form(title="Cup", slug=row.slug, stock="5") | {"initial-stock": "5"})
        row.refresh_from_db()
        assert (row.title, row.stock) == ("Cup", 3)
        merchandiser.post(address, form(title="Cup", slug=row.slug, stock="9") | {"initial-stock": "5"})
        row.refresh_from_db()
        assert row.stock == 9

    def test_only_tags_or_pictures_changed_marks_as_well(self, merchandiser, product, picture_bytes):
        row = product("M-1", title="Mug")
        first, second = (add_picture(row, picture_bytes(seed)) for seed in (1, 2))
        OutboxEntry.objects.all().delete()
        before = Product.objects.get(pk=row.pk).version
        answer = merchandiser.post(
            f"{PRODUCT}{row.pk}/change/",
            form(slug=row.slug)
            | inline(
                "pictures",
                [
                    {"id": first.pk, "product": row.pk, "alt": "", "position": "1"},
                    {"id": second.pk, "product": row.pk, "alt": "Now first", "position": "0"},
                ],
                initial=2,
            ),
        )
        assert answer.status_code == 302, errors(answer)
        assert [picture.pk for picture in row.pictures.all()] == [second.pk, first.pk]
        assert row.pictures.first().alt == "Now first"
        assert Product.objects.get(pk=row.pk).version > before
        assert OutboxEntry.objects.exists()

    def test_taking_off_a_picture_and_a_variant(self, merchandiser, product, picture_bytes):
        row = product("M-1", title="Mug")
        picture = add_picture(row, picture_bytes())
        services.save_variant(Variant(product=row, sku="M-1-L", title="Large"))
        variant = row.variants.get()
        answer = merchandiser.post(
            f"{PRODUCT}{row.pk}/change/",
            form(slug=row.slug)
            | inline(
                "pictures",
                [{"id": picture.pk, "product": row.pk, "alt": "", "position": "0", "DELETE": "on"}],
                initial=1,
            )
            | inline(
                "variants",
                [
                    {
                        "id": variant.pk, "product": row.pk, "sku": "M-1-L", "title": "Large", "stock": "0",
                        "attributes": "", "position": "0", "DELETE": "on",
                    }
                ],
                initial=1,
            ),
        )  # fmt: skip
        assert answer.status_code == 302, errors(answer)
        assert not Picture.objects.exists()
        assert list(row.codes.values_list("value", flat=True)) == ["M-1"]

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "data", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html></html>", b"\x89PNG\r\n\x1a\nxx", b"text"]
    )
    def test_what_is_no_picture_is_refused_in_the_form(self, merchandiser, product, data):
        row = product("M-1", title="Mug")
        answer = merchandiser.post(
            f"{PRODUCT}{row.pk}/change/",
            form(title="Changed", slug=row.slug)
            | inline("pictures", [{"upload": SimpleUploadedFile("a.jpg", data), "alt": "", "position": "0"}]),
        )
        assert answer.status_code == 200
        assert errors(answer)
        assert Product.objects.get(pk=row.pk).title == "Mug"

    def test_the_same_picture_twice_is_refused_in_the_form(self, merchandiser, product, picture_bytes):
        row = product("M-1", title="Mug")
        add_picture(row, picture_bytes())
        upload = {"upload": SimpleUploadedFile("a.png", picture_bytes()), "alt": "", "position": "0"}
        answer = merchandiser.post(f"{PRODUCT}{row.pk}/change/", form(slug=row.slug) | inline("pictures", [upload]))
        assert "already" in errors(answer)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("price", "-1"),
            ("price", "NaN"),
            ("price", "1e400"),
            ("stock", "-1"),
            ("sku", ""),
            ("sku", "a\x07b"),
            ("currency", "EURO"),
            ("attributes", "no colon"),
            ("attributes", "a: 1\na: 2"),
            ("attributes", 'a: {"b": 1}'),
            ("eans", "12"),
            ("translations", "{"),
            ("translations", '{"de": 1}'),
            ("slug", "a b"),
        ],
    )
    def test_bad_values_are_told_in_the_form(self, merchandiser, field, value):
        answer = merchandiser.post(f"{PRODUCT}add/", form(**{field: value}))
        assert answer.status_code == 200
        assert field in answer.context["adminform"].form.errors
        assert not Product.objects.exists()

    def test_deleting_leaves_an_outbox_entry(self, sign_in, product):
        row = product()
        OutboxEntry.objects.all().delete()
        assert sign_in("merchandiser").post(f"{PRODUCT}{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert sign_in("administrator").post(f"{PRODUCT}{row.pk}/delete/", {"post": "yes"}).status_code == 302
        assert OutboxEntry.objects.get().product_id == row.pk
        assert not Product.objects.exists()

    def test_a_version_from_the_history_can_be_taken_back(self, merchandiser, product):
        row = product("M-1", title="Old")
        row.title = "New"
        services.save_product(row)
        version = Product.objects.get(pk=row.pk).version
        OutboxEntry.objects.all().delete()
        old = row.history.earliest()
        url = f"{PRODUCT}{row.pk}/history/{old.history_id}/"
        assert merchandiser.get(url).status_code == 200
        answer = merchandiser.post(url, form(title="Old", slug=row.slug))
        assert answer.status_code == 302, errors(answer)
        now = Product.objects.get(pk=row.pk)
        assert (now.title, now.slug) == ("Old", "old")
        assert now.version > version
        assert OutboxEntry.objects.exists()

    def test_a_deleted_product_can_be_taken_back_by_who_may_add_one(self, merchandiser, client, product):
        row = product("M-1", title="Mug", status="published")
        url = f"{PRODUCT}{row.pk}/history/{row.history.get().history_id}/"
        services.delete_products([row.pk])
        OutboxEntry.objects.all().delete()
        changes = User.objects.create_user("changes", is_staff=True)
        changes.user_permissions.set(Permission.objects.filter(codename="change_product"))
        client.force_login(changes)
        assert client.post(url, form(slug="mug")).status_code == 403
        assert merchandiser.post(url, form(status="published", slug="mug")).status_code == 302
        assert Product.objects.values_list("pk", "title", "slug").get() == (row.pk, "Mug", "mug")
        assert OutboxEntry.objects.get().product_id == row.pk

    def test_the_history_shows_what_changed(self, merchandiser, product):
        row = product("M-1", title="Old title")
        row.title = "New title"
        services.save_product(row)
        text = merchandiser.get(f"{PRODUCT}{row.pk}/history/").content.decode()
        assert "Old title" in text
        assert "New title" in text


class TestCategories:
    def test_adding_renaming_and_moving_by_the_form(self, merchandiser, product):
        food, garden = services.add_category("Food"), services.add_category("Garden")
        data = {"name": "Herbs", "slug": "", "parent": food.pk, "translations": "{}"}
        assert merchandiser.post(f"{CATEGORY}add/", data).status_code == 302
        herbs = Category.objects.get(full_name="Food > Herbs")
        row = product(category=herbs)
        OutboxEntry.objects.all().delete()
        data = {"name": "Plants", "slug": herbs.slug, "parent": garden.pk, "translations": "{}"}
        assert merchandiser.post(f"{CATEGORY}{herbs.pk}/change/", data).status_code == 302
        herbs.refresh_from_db()
        assert (herbs.full_name, herbs.slug) == ("Garden > Plants", "herbs")
        assert OutboxEntry.objects.get().product_id == row.pk
        assert Category.objects.find_problems() == ([], [], [], [], [])

    def test_names_that_are_taken_are_told_in_the_form(self, merchandiser):
        services.add_category("Food")
        for name in ("Food", "A > B"):
            data = {"name": name, "slug": "", "parent": "", "translations": "{}"}
            answer = merchandiser.post(f"{CATEGORY}add/", data)
            assert answer.status_code == 200
            assert "name" in answer.context["adminform"].form.errors

    def move(self, client, body):
        data = body if isinstance(body, str) else json.dumps(body)
        return client.post(f"{CATEGORY}move/", data, content_type="application/json")

    def test_dragging(self, merchandiser, product):
        food, garden = services.add_category("Food"), services.add_category("Garden")
        fruit = services.add_category("Fruit", food)
        row = product(category=fruit)
        OutboxEntry.objects.all().delete()
        answer = self.move(merchandiser, {"node": fruit.pk, "target": garden.pk, "position": "inside"})
        assert answer.json() == {"full_name": "Garden > Fruit"}
        assert OutboxEntry.objects.get().product_id == row.pk
        self.move(merchandiser, {"node": garden.pk, "target": food.pk, "position": "before"})
        assert list(Category.objects.values_list("full_name", flat=True)) == ["Garden", "Garden > Fruit", "Food"]

    def test_dragging_where_it_cannot_go(self, merchandiser, sign_in):
        food = services.add_category("Food")
        fruit = services.add_category("Fruit", food)
        answer = self.move(merchandiser, {"node": food.pk, "target": fruit.pk, "position": "inside"})
        assert answer.status_code == 400
        assert "below itself" in answer.json()["error"]
        for body in ("{", "[]", "7", {"node": food.pk}, {"node": 1e400, "target": 1, "position": "inside"},
                     {"node": 10**30, "target": food.pk, "position": "inside"},
                     {"node": food.pk, "target": fruit.pk, "position": "above"}):  # fmt: skip
            assert self.move(merchandiser, body).status_code == 400
        wanted = {"node": fruit.pk, "target": food.pk, "position": "before"}
        assert self.move(sign_in("viewer"), wanted).status_code == 403
        assert merchandiser.get(f"{CATEGORY}move/").status_code == 405


class TestOthers:
    def test_renaming_a_brand_marks_its_products(self, merchandiser, product):
        brand = Brand(name="Acme")
        services.save_label(brand)
        row = product(brand=brand)
        OutboxEntry.objects.all().delete()
        url = f"/admin/catalog/brand/{brand.pk}/change/"
        assert merchandiser.post(url, {"name": "Acme Ltd", "slug": "acme", "description": ""}).status_code == 302
        assert OutboxEntry.objects.get().product_id == row.pk

    def test_a_brand_with_products_is_not_deleted(self, sign_in, product):
        brand = Brand(name="Acme")
        services.save_label(brand)
        product(brand=brand)
        client = sign_in("administrator")
        assert client.post(f"/admin/catalog/brand/{brand.pk}/delete/", {"post": "yes"}).status_code in (200, 403)
        assert Brand.objects.exists()

    def test_deleting_a_tag_marks_its_products(self, merchandiser, product):
        tag = Tag(name="New")
        services.save_label(tag)
        row = product()
        row.tags.add(tag)
        OutboxEntry.objects.all().delete()
        assert merchandiser.post(f"/admin/catalog/tag/{tag.pk}/delete/", {"post": "yes"}).status_code == 302
        assert OutboxEntry.objects.get().product_id == row.pk

    def promotion(self, **fields):
        return {
            "name": "Sale", "slug": "", "description": "", "kind": "percent", "value": "10", "buy_quantity": "0",
            "free_quantity": "0", "active": "on", "starts_at_0": "2026-01-01", "starts_at_1": "00:00:00",
            "ends_at_0": "", "ends_at_1": "",
        } | fields  # fmt: skip

    def test_a_promotion_gets_a_slug(self, merchandiser):
        assert merchandiser.post("/admin/catalog/promotion/add/", self.promotion()).status_code == 302
        assert Promotion.objects.get().slug == "sale"

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"value": "101"}, "value"),
            ({"value": "0"}, "value"),
            ({"value": "-1"}, "value"),
            ({"kind": "buy_x_get_y"}, "buy_quantity"),
            ({"ends_at_0": "2025-01-01", "ends_at_1": "00:00:00"}, "ends_at"),
        ],
    )
    def test_promotions_that_make_no_sense(self, merchandiser, fields, name):
        answer = merchandiser.post("/admin/catalog/promotion/add/", self.promotion(**fields))
        assert answer.status_code == 200
        assert name in answer.context["adminform"].form.errors

    def test_a_collection_keeps_its_order(self, merchandiser, product):
        rows = [product(str(number)) for number in range(3)]
        items = [{"product": row.pk, "position": str(position)} for row, position in zip(rows, (2, 0, 1), strict=True)]
        data = {"title": "Picnic", "slug": "", "description": ""} | inline("items", items)
        assert merchandiser.post("/admin/catalog/collection/add/", data).status_code == 302
        ordered = Collection.objects.get().items.values_list("product__sku", flat=True)
        assert list(ordered) == ["1", "2", "0"]
