"""Writes keep version, outbox, codes, slugs and the tree in step."""

import threading
from contextlib import contextmanager, suppress
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import ProtectedError

from catalog import services
from catalog.models import (
    Brand,
    Category,
    Collection,
    OutboxEntry,
    Picture,
    Product,
    ProductCode,
    Promotion,
    Store,
    Tag,
    Variant,
)
from catalog.services import changes

pytestmark = pytest.mark.django_db


def make(sku="A-1", **fields) -> Product:
    return services.save_product(Product(**{"sku": sku, "title": f"Product {sku}", **fields}))


def drained() -> None:
    """As if a worker had brought everything level."""
    OutboxEntry.objects.all().delete()


def waiting() -> set[int]:
    return set(OutboxEntry.objects.values_list("product_id", flat=True))


@pytest.fixture
def sent(monkeypatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(changes.current_app, "send_task", lambda name, **options: names.append(name))
    return names


class UndoneError(Exception):
    pass


@contextmanager
def rolled_back():
    """A transaction that fails at its end."""
    with suppress(UndoneError), transaction.atomic():
        yield
        raise UndoneError


class TestSaving:
    def test_a_new_product_waits_in_the_outbox(self):
        product = make()
        assert product.version == 1
        assert waiting() == {product.pk}

    def test_every_save_counts_the_version_up(self):
        product = make()
        services.save_product(product)
        services.save_product(product)
        product.refresh_from_db()
        assert product.version == 3

    def test_two_saves_of_copies_loaded_at_once_both_count(self):
        pk = make().pk
        first, second = Product.objects.get(pk=pk), Product.objects.get(pk=pk)
        services.save_product(first)
        services.save_product(second)
        assert (first.version, second.version) == (2, 3)
        assert Product.objects.get(pk=pk).version == 3

    def test_a_rollback_takes_row_and_outbox_entry_away_together(self):
        with rolled_back():
            make()
        assert not Product.objects.exists()
        assert not OutboxEntry.objects.exists()

    def test_a_rollback_leaves_the_version_as_it_was(self):
        product = make()
        drained()
        with rolled_back():
            services.save_product(product)
        assert Product.objects.get(pk=product.pk).version == 1
        assert waiting() == set()

    def test_a_change_gives_a_waiting_entry_a_new_token_and_clears_its_failure(self):
        product = make()
        OutboxEntry.objects.update(attempts=5, error="broken picture", parked_at="2026-01-01T00:00Z")
        token = OutboxEntry.objects.get().token
        services.save_product(product)
        entry = OutboxEntry.objects.get()
        assert entry.token != token
        assert (entry.attempts, entry.error, entry.parked_at) == (0, "", None)

    def test_who_and_why_stand_in_the_history(self, django_user_model):
        user = django_user_model.objects.create_user("mia")
        product = make()
        product.title = "Other"
        services.save_product(product, by=user, reason="API")
        record = product.history.first()
        assert (record.history_user, record.history_change_reason, record.title) == (user, "API", "Other")


@pytest.mark.django_db(transaction=True)
class TestNudge:
    def test_it_is_sent_once_a_transaction_and_only_after_the_commit(self, sent):
        with transaction.atomic():
            make("A")
            make("B")
            services.publish(Product.objects.all())
            assert sent == []
        assert sent == ["workers.tasks.drain_outbox"]

    def test_a_rollback_sends_none(self, sent):
        with rolled_back():
            make()
        assert sent == []

    def test_a_change_after_an_inner_rollback_is_still_sent(self, sent):
        with transaction.atomic():
            with rolled_back():
                make("A")
            make("B")
        assert sent == ["workers.tasks.drain_outbox"]

    def test_a_broker_that_is_down_does_not_break_the_save(self, monkeypatch, caplog):
        def down(*args, **options):
            raise OSError("connection refused")

        monkeypatch.setattr(changes.current_app, "send_task", down)
        make()
        assert Product.objects.count() == 1
        assert "connection refused" in caplog.text

    def test_simultaneous_saves_lose_no_count(self, sent):
        pk = make().pk

        def save() -> None:
            saved = 0
            while saved < 5:
                # The tests' database lives in memory, where a locked table is refused at once instead of waited for.
                with suppress(OperationalError):
                    services.save_product(Product.objects.get(pk=pk))
                    saved += 1
            connection.close()

        threads = [threading.Thread(target=save) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Product.objects.get(pk=pk).version == 11


class TestSlugs:
    def test_it_comes_from_the_title_and_outlives_it(self):
        product = make(title="Red mug")
        product.title = "Blue mug"
        services.save_product(product)
        assert product.slug == "red-mug"

    def test_namesakes_get_slugs_of_their_own(self):
        assert {make(str(i), title="Mug").slug for i in range(3)} == {"mug", "mug-1", "mug-2"}

    @pytest.mark.parametrize(
        ("title", "slug"),
        [
            ("Чашка красная", "чашка-красная"),
            ("赤いマグ", "赤いマグ"),
            ("🍎🍏", "x-9"),
            ("Crème brûlée", "crème-brûlée"),
        ],
    )
    def test_titles_of_any_script_make_one(self, title, slug):
        assert make("X-9", title=title).slug == slug


class TestCodes:
    def test_sku_model_number_variants_and_eans_are_there(self):
        product = services.save_product(
            Product(sku="DV7-1", title="Notebook", mpn="dv7-1211 ea"), codes={"ean": ["0884420588030"]}
        )
        services.save_variant(Variant(product=product, sku="DV7-1/L", title="Large"))
        assert set(product.codes.values_list("kind", "value", "normalised")) == {
            ("sku", "DV7-1", "dv71"),
            ("sku", "DV7-1/L", "dv71l"),
            ("mpn", "dv7-1211 ea", "dv71211ea"),
            ("ean", "0884420588030", "0884420588030"),
        }

    def test_old_ones_go_and_eans_stay_unless_given(self):
        product = services.save_product(Product(sku="A", title="T", mpn="M1"), codes={"ean": ["1", "2"]})
        product.sku, product.mpn = "B", "M2"
        services.save_product(product)
        assert set(product.codes.values_list("kind", "value")) == {
            ("sku", "B"), ("mpn", "M2"), ("ean", "1"), ("ean", "2"),
        }  # fmt: skip
        services.save_product(product, codes={"ean": ["3"]})
        assert set(product.codes.filter(kind="ean").values_list("value", flat=True)) == {"3"}

    def test_a_deleted_variant_takes_its_code_along(self):
        product = make()
        variant = Variant(product=product, sku="A-1-L", title="Large")
        services.save_variant(variant)
        services.delete_variant(variant)
        assert list(product.codes.values_list("value", flat=True)) == ["A-1"]


class TestStatus:
    def test_the_first_publication_is_remembered(self):
        product = make()
        assert product.published_at is None
        services.publish([product.pk])
        product.refresh_from_db()
        first = product.published_at
        assert first is not None
        services.archive([product.pk])
        services.publish([product.pk])
        product.refresh_from_db()
        assert product.published_at == first

    def test_saving_as_published_sets_it_too(self):
        assert make(status="published").published_at is not None

    def test_bulk_changes_count_mark_and_record_only_what_changed(self, django_user_model):
        user = django_user_model.objects.create_user("mia")
        draft, published = make("A"), make("B", status="published")
        drained()
        assert services.publish(Product.objects.all(), by=user) == 1
        assert waiting() == {draft.pk}
        assert draft.history.first().history_user == user
        assert draft.history.first().status == "published"
        assert draft.history.count() == 2
        assert published.history.count() == 1

    def test_archiving_marks(self):
        product = make(status="published")
        drained()
        assert services.archive([product.pk]) == 1
        product.refresh_from_db()
        assert (product.status, product.version) == ("archived", 2)
        assert waiting() == {product.pk}

    def test_assigning_a_category_to_those_without_one(self, django_assert_max_num_queries):
        category = services.add_category("Mugs")
        pks = [make(str(i)).pk for i in range(20)]
        drained()
        with django_assert_max_num_queries(15):
            assert services.assign_category(pks, category) == 20
        assert services.assign_category(pks, category) == 0
        assert waiting() == set(pks)
        assert services.assign_category(pks, None) == 20


class TestTaxonomy:
    def test_renaming_a_category_rewrites_and_marks_all_below(self):
        food = services.add_category("Food")
        fruit = services.add_category("Fruit", food)
        apples = services.add_category("Apples", fruit)
        other = services.add_category("Foodstuffs")
        inside, outside = make("A", category=apples), make("B", category=other)
        drained()
        food.name = "Food & drink"
        services.save_category(food)
        apples.refresh_from_db()
        assert apples.full_name == "Food & drink > Fruit > Apples"
        assert (apples.slug, food.slug) == ("apples", "food")
        assert waiting() == {inside.pk}
        outside.refresh_from_db()
        assert outside.category.full_name == "Foodstuffs"

    def test_moving_a_category_rewrites_and_marks_all_below(self):
        food, garden = services.add_category("Food"), services.add_category("Garden")
        fruit = services.add_category("Fruit", food)
        apples = services.add_category("Apples", fruit)
        product = make(category=apples)
        drained()
        services.move_category(fruit, garden)
        assert Category.objects.get(pk=apples.pk).full_name == "Garden > Fruit > Apples"
        assert waiting() == {product.pk}
        drained()
        services.move_category(fruit, None)
        assert Category.objects.get(pk=apples.pk).full_name == "Fruit > Apples"
        assert waiting() == {product.pk}
        assert Category.objects.find_problems() == ([], [], [], [], [])

    def test_renaming_and_moving_at_once_minds_no_namesake_on_the_way(self):
        food, garden = services.add_category("Food"), services.add_category("Garden")
        herbs = services.add_category("Herbs", food)
        mint = services.add_category("Mint", herbs)
        services.add_category("Herbs", garden)
        services.add_category("Plants", food)
        product = make(category=mint)
        drained()
        herbs.name = "Plants"
        services.save_category(herbs, parent=garden)
        assert Category.objects.get(pk=mint.pk).full_name == "Garden > Plants > Mint"
        assert Category.objects.get(pk=herbs.pk).full_name == "Garden > Plants"
        assert waiting() == {product.pk}
        with pytest.raises(ValidationError, match="below itself"):
            services.save_category(herbs, parent=mint)
        assert Category.objects.find_problems() == ([], [], [], [], [])

    def test_changing_places_among_siblings_marks_nothing(self):
        a, b = services.add_category("A"), services.add_category("B")
        make(category=b)
        drained()
        services.move_category(b, a, "left")
        assert list(Category.objects.values_list("name", flat=True)) == ["B", "A"]
        assert waiting() == set()

    def test_a_category_cannot_go_below_itself_or_beside_a_namesake(self):
        food = services.add_category("Food")
        fruit = services.add_category("Fruit", food)
        services.add_category("Fruit")
        for target in (fruit, food):
            with pytest.raises(ValidationError, match="below itself"):
                services.move_category(food, target)
        with pytest.raises(ValidationError, match="already"):
            services.move_category(fruit, None)

    @pytest.mark.parametrize("name", ["", "  ", "A > B", "Food"])
    def test_names_that_cannot_be(self, name):
        services.add_category("Food")
        with pytest.raises(ValidationError):
            services.add_category(name)

    def test_namesakes_in_other_places_have_slugs_of_their_own(self):
        men, women = services.add_category("Men"), services.add_category("Women")
        slugs = {services.add_category("Shoes", parent).slug for parent in (men, women)}
        assert slugs == {"shoes", "shoes-women-shoes"}

    def test_a_full_name_that_grows_too_long_below_is_refused(self):
        parent = services.add_category("a" * 100)
        child = parent
        for letter in "bcd":
            child = services.add_category(letter * 120, child)
        parent.name = "x" * 120
        services.save_category(parent)
        with pytest.raises(ValidationError, match="longer than 500"):
            services.add_category("e" * 100, child)

    @pytest.mark.parametrize(("model", "field"), [(Brand, "brand"), (Store, "store")])
    def test_renaming_marks_the_products(self, model, field):
        label, other = model(name="Acme"), model(name="Other")
        services.save_label(label)
        services.save_label(other)
        product = make("A", **{field: label})
        make("B", **{field: other})
        drained()
        services.save_label(label)
        assert waiting() == set()
        label.name = "Acme & sons"
        services.save_label(label)
        assert waiting() == {product.pk}
        assert label.slug == "acme"

    def test_renaming_and_deleting_a_tag_marks_the_products(self):
        tag = Tag(name="New")
        services.save_label(tag)
        product = services.save_product(Product(sku="A", title="T"), tags=[tag])
        make("B")
        for change in (lambda: services.save_label(tag), lambda: services.delete_labels(Tag.objects.all())):
            drained()
            tag.name = "Fresh"
            change()
            assert waiting() == {product.pk}

    def test_what_holds_products_cannot_be_deleted(self):
        category, brand = services.add_category("Mugs"), Brand(name="Acme")
        services.save_label(brand)
        make(category=category, brand=brand)
        with pytest.raises(ProtectedError):
            services.delete_categories(Category.objects.all())
        with pytest.raises(ProtectedError):
            services.delete_labels(Brand.objects.all())


class TestDeleting:
    @pytest.mark.django_db(transaction=True)
    def test_rows_and_files_go_and_the_outbox_entry_stays(self, sent, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        product, other = make("A"), make("B")
        shared, own = (default_storage.save(f"pictures/{name}.png", ContentFile(b"x")) for name in ("both", "own"))
        thumbnail = default_storage.save("thumbnails/own.webp", ContentFile(b"x"))
        Picture.objects.create(
            product=product, file=own, width=1, height=1, sha256="1" * 64, thumbnails={"small": thumbnail}
        )
        Picture.objects.create(product=product, file=shared, width=1, height=1, sha256="2" * 64)
        Picture.objects.create(product=other, file=shared, width=1, height=1, sha256="2" * 64)
        drained()
        pk = product.pk
        assert services.delete_products([pk]) == 1
        assert list(Product.objects.values_list("pk", flat=True)) == [other.pk]
        assert not ProductCode.objects.filter(product_id=pk).exists()
        assert waiting() == {pk}
        assert [default_storage.exists(name) for name in (own, thumbnail, shared)] == [False, False, True]

    @pytest.mark.django_db(transaction=True)
    def test_a_rollback_keeps_the_files(self, sent, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        product = make()
        name = default_storage.save("pictures/own.png", ContentFile(b"x"))
        Picture.objects.create(product=product, file=name, width=1, height=1, sha256="1" * 64)
        with rolled_back():
            services.delete_products([product.pk])
        assert default_storage.exists(name)
        assert product.pictures.count() == 1


class TestConstraints:
    """Uniqueness and ranges hold in the database, whoever writes."""

    @pytest.mark.parametrize(
        "fields",
        [
            {"sku": "A-1", "slug": "other"},
            {"sku": "B", "slug": "product-a-1"},
            {"sku": "", "slug": "empty"},
            {"sku": "B", "slug": "b", "price": Decimal("-1")},
            {"sku": "B", "slug": "b", "compare_at_price": Decimal("-1")},
            {"sku": "B", "slug": "b", "status": "gone"},
        ],
    )
    def test_products(self, fields):
        make()
        with pytest.raises(IntegrityError):
            Product.objects.create(title="T", **fields)

    def test_variants_and_pictures(self):
        product = make()
        services.save_variant(Variant(product=product, sku="V", title="T"))
        with pytest.raises(IntegrityError), transaction.atomic():
            Variant.objects.create(product=product, sku="V", title="T")
        Picture.objects.create(product=product, file="a.png", width=1, height=1, sha256="1")
        with pytest.raises(IntegrityError), transaction.atomic():
            Picture.objects.create(product=product, file="b.png", width=1, height=1, sha256="1")

    @pytest.mark.parametrize(
        "fields", [{"kind": "percent", "value": 101}, {"value": -1}, {"ends_at": "2025-01-01T00:00Z"}]
    )
    def test_promotions(self, fields):
        with pytest.raises(IntegrityError):
            Promotion.objects.create(
                **{"name": "P", "slug": "p", "kind": "amount", "starts_at": "2026-01-01T00:00Z"} | fields
            )


def test_products_are_appended_to_a_collection_once():
    collection = Collection(title="Picnic")
    services.save_named(collection)
    assert collection.slug == "picnic"
    pks = [make(str(i)).pk for i in range(3)]
    assert services.add_to_collection(collection, pks[:2]) == 2
    assert services.add_to_collection(collection, [*pks, 999_999]) == 1
    assert list(collection.items.values_list("product_id", "position")) == [(pks[0], 0), (pks[1], 1), (pks[2], 2)]


def test_parked_entries_go_back_into_the_queue():
    make("A")
    make("B")
    OutboxEntry.objects.update(attempts=5, error="broken", available_at="2030-01-01T00:00Z")
    parked = OutboxEntry.objects.first()
    OutboxEntry.objects.filter(pk=parked.pk).update(parked_at="2026-01-01T00:00Z")
    assert services.retry_parked(OutboxEntry.objects.all()) == 1
    parked.refresh_from_db()
    assert (parked.attempts, parked.error, parked.parked_at) == (0, "", None)
    assert parked.available_at.year < 2030
