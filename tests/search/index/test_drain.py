"""From an outbox entry to a point, and all that can go wrong on the way."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from catalog import services
from catalog.models import OutboxEntry, Picture, Product
from catalog.pictures import add_picture
from search.encoders.registry import get_encoder
from search.index import batch as batches
from search.index.client import get_client
from search.index.compare import compare_all
from search.index.drain import drain, drain_once
from search.index.errors import VectorStoreError
from search.index.live import live_collection
from search.models import Embedding
from tests.doubles import CRASH, OUTAGE

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("quick_encoders", "vector_store")]


def point(product: Product):
    found = get_client().retrieve(live_collection().name, [product.id], with_payload=True, with_vectors=True)
    return found[0] if found else None


def due_now() -> None:
    """As if the back-off of every entry had passed."""
    OutboxEntry.objects.update(available_at=timezone.now() - timedelta(seconds=1))


def test_a_published_product_gets_a_point(publish):
    (product,) = publish()
    report = drain_once()
    assert (report.done, report.failed, report.texts) == (1, 0, 1)
    made = point(product)
    assert made.payload["sku"] == "sku-0"
    assert made.payload["version"] == Product.objects.get().version
    expected = get_encoder("text").encode_text(["Chair number 0"])[0]
    assert np.allclose(made.vector["text"], expected, atol=2e-3)
    assert made.vector["terms"].indices
    assert not OutboxEntry.objects.exists()


def test_every_picture_becomes_one_vector_in_the_shops_order(publish, png):
    (product,) = publish()
    for colour in ("red", "lime"):
        add_picture(product, png(colour))
    report = drain()
    assert report.pictures == 2
    red, green = point(product).vector["image"]
    encoder = get_encoder("image")
    for vector, picture in zip((red, green), product.pictures.order_by("position"), strict=True):
        from catalog.pictures import open_for_encoding

        assert np.allclose(vector, encoder.encode_images([open_for_encoding(picture)])[0], atol=2e-3)


@pytest.mark.parametrize("take_away", [services.archive, services.unpublish, services.delete_products])
def test_a_product_that_is_no_longer_for_sale_loses_its_point(publish, take_away):
    gone, stays = publish(2)
    drain()
    take_away([gone.id])
    assert drain().done == 1
    assert point(gone) is None
    assert point(stays) is not None


def test_unchanged_content_is_not_encoded_again(publish):
    publish(3)
    drain()
    encoder = get_encoder("text")
    encoder.texts_seen.clear()
    for product in Product.objects.all():
        product.price = 99
        services.save_product(product)
    assert drain().done == 3
    assert encoder.texts_seen == []
    assert {record.payload["price"] for record in get_client().scroll(live_collection().name)[0]} == {99.0}


def test_two_products_with_the_same_picture_share_its_vector(publish, png):
    for product in publish(2):
        add_picture(product, png("red"))
    assert drain().pictures == 1


def test_a_lost_vector_store_is_refilled_without_encoding(publish):
    publish(5)
    drain()
    get_client().delete_collection(live_collection().name)
    encoder = get_encoder("text")
    encoder.texts_seen.clear()
    publish(1, title="Late")
    drain()  # meets the loss
    due_now()
    drain()
    assert compare_all(live_collection(refresh=True).name).indexed == 6
    assert encoder.texts_seen in (["Late"], [])


def test_the_number_of_queries_does_not_grow_with_the_batch(publish, django_assert_max_num_queries):
    publish(1)
    drain()  # to the end of the first filling, which has queries of its own
    publish(40)
    with django_assert_max_num_queries(30):
        assert drain_once(40).done == 40


def test_one_poisoned_product_does_not_hold_up_its_batch_and_is_parked(publish, settings):
    settings.OUTBOX_MAX_ATTEMPTS = 3
    good, (bad,) = publish(6), publish(1, title=f"Lamp {CRASH}")
    assert (drain_once().done, OutboxEntry.objects.count()) == (len(good), 1)
    for _ in range(settings.OUTBOX_MAX_ATTEMPTS - 1):
        due_now()
        drain_once()
    entry = OutboxEntry.objects.get()
    assert entry.product_id == bad.id
    assert entry.parked_at
    assert "cannot be encoded" in entry.error
    due_now()
    assert drain_once().claimed == 0


def test_a_parked_product_is_tried_again_when_it_changes(publish, settings):
    settings.OUTBOX_MAX_ATTEMPTS = 1
    (bad,) = publish(1, title=f"Lamp {CRASH}")
    drain_once()
    assert OutboxEntry.objects.get().parked_at
    bad.title = "Lamp"
    services.save_product(bad)
    due_now()
    drain_once()
    assert not OutboxEntry.objects.exists()
    assert point(bad).payload["version"] == bad.version


def test_a_product_whose_picture_is_lost_fails_alone_and_says_why(publish, png):
    broken, fine = publish(2)
    for product in (broken, fine):
        add_picture(product, png("red" if product is broken else "blue"))
    picture = Picture.objects.get(product=broken)
    picture.file.storage.delete(picture.file.name)
    report = drain_once()
    assert (report.done, report.failed) == (1, 1)
    assert "is missing" in OutboxEntry.objects.get().error


def test_an_encoder_that_is_down_costs_no_attempts(publish):
    publish(1, title=f"Lamp {OUTAGE}")
    for _ in range(8):
        due_now()
        report = drain_once()
        assert (report.put_off, report.failed) == (1, 0)
    entry = OutboxEntry.objects.get()
    assert (entry.parked_at, entry.attempts) == (None, 0)
    assert "busy" in entry.error


def test_a_store_that_is_down_costs_no_attempts(publish, monkeypatch):
    publish(3)

    def down(*_: object) -> None:
        raise VectorStoreError("No answer", permanent=False)

    monkeypatch.setattr(batches, "_upsert", down)
    assert drain_once().put_off == 3
    assert set(OutboxEntry.objects.values_list("attempts", "claimed_by", "parked_at")) == {(0, "", None)}
    monkeypatch.undo()
    due_now()
    assert drain_once().done == 3


def test_a_point_that_the_store_refuses_fails_alone(publish, monkeypatch):
    good, (bad,) = publish(4), publish(1)
    upsert = batches._upsert

    def refusing(collection, points):
        if any(each.id == bad.id for each in points):
            raise VectorStoreError("Wrong input", permanent=True, status=400)
        upsert(collection, points)

    monkeypatch.setattr(batches, "_upsert", refusing)
    report = drain_once()
    assert (report.done, report.failed) == (len(good), 1)
    assert OutboxEntry.objects.get().product_id == bad.id


def test_a_change_during_the_work_is_indexed_too(publish, monkeypatch):
    (product,) = publish()
    upsert = batches._upsert

    def changing(collection, points):
        upsert(collection, points)
        OutboxEntry.add([product.id])  # as a service does after its write

    with monkeypatch.context() as patched:
        patched.setattr(batches.Batch, "write", _then(batches.Batch.write, lambda: None))
        patched.setattr(batches.Batch, "keep", _then(batches.Batch.keep, lambda: _rename(product, "New name")))
        drain_once()
    entry = OutboxEntry.objects.get()
    assert (entry.claimed_by, entry.attempts) == ("", 0)
    drain_once()
    assert point(product).payload["version"] == Product.objects.get().version
    assert not OutboxEntry.objects.exists()


def _then(method, action):
    def wrapped(self, *args):
        result = method(self, *args)
        action()
        return result

    return wrapped


def _rename(product: Product, title: str) -> None:
    fresh = Product.objects.get(pk=product.pk)
    fresh.title = title
    services.save_product(fresh)


def test_large_points_are_sent_in_several_requests(publish, monkeypatch):
    monkeypatch.setattr(batches, "REQUEST_BYTES", 20_000)
    sizes = []
    upsert = batches._upsert
    monkeypatch.setattr(batches, "_upsert", lambda name, points: (sizes.append(len(points)), upsert(name, points)))
    publish(30, attributes={"note": "x" * 90, "material": ["wood", "steel", "glass"]})
    assert drain_once().done == 30
    assert len(sizes) > 1
    assert sum(sizes) == 30


def test_points_are_what_is_kept_to_the_last_bit(publish):
    (product,) = publish()
    drain()
    fresh = point(product).vector["text"]
    get_client().delete_collection(live_collection().name)
    OutboxEntry.add([product.id])
    drain()
    due_now()
    drain()
    assert Embedding.objects.count() == 1
    assert point(product).vector["text"] == fresh
