"""What is deleted leaves nothing but its outbox entry; what the database refuses; collections and parked entries."""

import os
from contextlib import contextmanager, suppress
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from catalog import services
from catalog.models import Collection, OutboxEntry, Picture, Product, ProductCode, Promotion, Variant

pytestmark = pytest.mark.django_db


def make(sku="A-1", **fields) -> Product:
    return services.save_product(Product(**{"sku": sku, "title": f"Product {sku}", **fields}))


def drained() -> None:
    """As if a worker had brought everything level."""
    OutboxEntry.objects.all().delete()


def waiting() -> set[int]:
    return set(OutboxEntry.objects.values_list("product_id", flat=True))


class UndoneError(Exception):
    pass


@contextmanager
def rolled_back():
    """A transaction that fails at its end."""
    with suppress(UndoneError), transaction.atomic():
        yield
        raise UndoneError


class TestDeleting:
    @pytest.mark.django_db(transaction=True)
    def test_rows_and_files_go_and_the_outbox_entry_stays(self, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        product, other = make("A"), make("B")
        shared, own = (default_storage.save(f"pictures/{name}.png", ContentFile(b"x")) for name in ("both", "own"))
        thumbnail = default_storage.save("thumbnails/own.webp", ContentFile(b"x"))
        Picture.objects.create(
            product=product, file=own, width=1, height=1, sha256="1" * 64, thumbnails={"small": thumbnail}
        )
        Picture.objects.create(product=product, file=shared, width=1, height=1, sha256="2" * 64)
        Picture.objects.create(product=other, file=shared, width=1, height=1, sha256="2" * 64)
        for name in (own, shared, thumbnail):
            os.utime(default_storage.path(name), (0, 0))  # nobody is writing a row for it
        drained()
        pk = product.pk
        assert services.delete_products([pk]) == 1
        assert list(Product.objects.values_list("pk", flat=True)) == [other.pk]
        assert not ProductCode.objects.filter(product_id=pk).exists()
        assert waiting() == {pk}
        assert [default_storage.exists(name) for name in (own, thumbnail, shared)] == [False, False, True]

    @pytest.mark.django_db(transaction=True)
    def test_a_rollback_keeps_the_files(self, settings, tmp_path):
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
