"""Writes keep version, outbox, codes, slugs and the tree in step."""

import threading
import time
from contextlib import contextmanager, suppress

import pytest
from django.db import OperationalError, connection, transaction

from catalog import messages, services
from catalog.models import (
    OutboxEntry,
    Product,
    Variant,
)

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
    monkeypatch.setattr(messages.current_app, "send_task", lambda name, **options: names.append(name))
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

        monkeypatch.setattr(messages.current_app, "send_task", down)
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
                time.sleep(0.002)
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
