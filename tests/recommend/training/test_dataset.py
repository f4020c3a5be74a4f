"""From the log to histories in item rows."""

import uuid
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from catalog import services
from catalog.models import Product
from recommend.events.models import Event, Shopper
from recommend.training import dataset
from recommend.training.dataset import Dataset, Ragged, read
from recommend.training.features import Features, described
from search.models import Embedding
from tests.recommend.training.conftest import RING, RINGS

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def did(shopper: Shopper, product: Product, kind: str = "view", *, minutes_ago: float = 60, **more: object) -> Event:
    at = NOW - timedelta(minutes=minutes_ago)
    return Event.objects.create(
        event_id=uuid.uuid4(), kind=kind, shopper=shopper, product=product, happened_at=at, **more
    )


def histories(data: Dataset) -> list[list[int]]:
    """In product ids."""
    return [data.items.keys[rows].tolist() for rows in data.interactions().histories]


def test_histories_are_in_the_order_of_time_one_for_each_shopper(catalogue):
    one, two = Shopper.objects.create(), Shopper.objects.create()
    did(one, catalogue[2], minutes_ago=5)
    did(two, catalogue[0], minutes_ago=7)
    did(one, catalogue[1], minutes_ago=9)
    data, report = read()
    assert histories(data) == [[catalogue[1].pk, catalogue[2].pk], [catalogue[0].pk]]
    assert data.shoppers.tolist() == [one.pk, two.pk]
    assert (report["events"], report["kept"], report["shoppers"], report["products"]) == (3, 3, 2, len(catalogue))


def test_two_devices_of_one_shopper_are_one_history(catalogue):
    account = Shopper.objects.create()
    phone = Shopper.objects.create(merged_into=account)
    did(account, catalogue[0], minutes_ago=9)
    did(phone, catalogue[1], minutes_ago=5)
    data, _ = read()
    assert histories(data) == [[catalogue[0].pk, catalogue[1].pk]]


def test_what_was_taken_out_of_the_cart_or_not_wanted_is_left_out(catalogue):
    one = Shopper.objects.create()
    did(one, catalogue[0], "cart", minutes_ago=50)
    did(one, catalogue[0], "remove", minutes_ago=49)
    did(one, catalogue[1], minutes_ago=40)
    did(one, catalogue[2], minutes_ago=30)
    did(one, catalogue[2], "not-for-me", minutes_ago=29)
    did(one, catalogue[3], "hide", minutes_ago=28)
    did(one, catalogue[3], "like", minutes_ago=27)
    data, report = read()
    assert histories(data) == [[catalogue[1].pk, catalogue[3].pk]]
    assert (report["taken_out"], report["rejected"], report["events"]) == (1, 1, 4)


def test_items_are_the_published_products_and_what_histories_need_besides(catalogue):
    one = Shopper.objects.create()
    archived, unseen, deleted = catalogue[:3]
    did(one, archived)
    did(one, deleted, minutes_ago=50)
    Product.objects.filter(pk=archived.pk).update(status="archived")
    Product.objects.filter(pk=unseen.pk).update(status="draft")
    deleted_pk = deleted.pk
    deleted.delete()
    data, report = read()
    assert archived.pk in data.items.keys
    assert not {unseen.pk, deleted_pk} & set(data.items.keys.tolist())
    assert report["products_gone"] == 1
    assert histories(data) == [[archived.pk]]


def test_only_events_within_the_time_asked_for_are_read(catalogue):
    one = Shopper.objects.create()
    for number in range(4):
        did(one, catalogue[number], minutes_ago=100 - 10 * number)
    data, report = read(since=NOW - timedelta(minutes=95), until=NOW - timedelta(minutes=75))
    assert histories(data) == [[catalogue[1].pk, catalogue[2].pk]]
    assert report["since"]


def test_products_are_described_by_their_vectors_brand_and_categories(indexed):
    data, _ = read()
    items = data.items
    assert items.content.shape == (len(indexed), 64)
    text = items.content[:, :32]
    assert np.allclose(np.linalg.norm(text, axis=1), 1, atol=1e-3)
    assert not items.content[:, 32:].any()  # no pictures here
    stored = np.frombuffer(Embedding.objects.order_by("id").first().vector, "<f2").astype(np.float32)
    assert (text @ stored).max() > 0.999
    assert len(set(items.categories.tolist())) == RINGS
    for ring in range(RINGS):
        assert len({tuple(row) for row in items.attributes[ring * RING : (ring + 1) * RING].tolist()}) == 1


def test_a_new_brand_or_a_text_that_is_not_encoded_yet_is_unknown_and_no_error(indexed):
    data, _ = read()
    late = services.save_product(Product(sku="LATE", title="Never encoded", status="published"))
    items = data.features.items(next(described([late.pk])))
    assert not items.content.any()
    assert not items.attributes.any()
    assert items.categories.tolist() == [-1]


def test_before_the_first_index_there_is_no_content(catalogue):
    assert read()[0].items.content is None
    assert Features.current() == Features()


def test_a_copy_on_disk_is_the_same(indexed, visit, tmp_path):
    visit(10)
    data, report = read()
    data.save(tmp_path, report)
    copy, told = Dataset.load(tmp_path)
    assert told == report
    assert copy.features == data.features
    for name in dataset.COLUMNS:
        assert np.array_equal(getattr(copy, name), getattr(data, name))
    for name in ("keys", "content", "attributes", "categories"):
        assert np.array_equal(getattr(copy.items, name), getattr(data.items, name))


def test_a_cut_in_time_takes_the_events_before_and_drops_who_has_none(catalogue):
    one, two = Shopper.objects.create(), Shopper.objects.create()
    did(one, catalogue[0], minutes_ago=30)
    did(one, catalogue[1], minutes_ago=10)
    did(two, catalogue[2], minutes_ago=5)
    data, _ = read()
    cut = (NOW - timedelta(minutes=20)).timestamp()
    assert histories(data.before(cut)) == [[catalogue[0].pk]]
    assert histories(data.recent(cut)) == [[catalogue[0].pk, catalogue[1].pk], [catalogue[2].pk]]
    assert histories(data.recent((NOW - timedelta(minutes=7)).timestamp())) == [[catalogue[2].pk]]
    assert len(data.before(0)) == 0


def test_an_empty_log_is_an_empty_dataset(catalogue):
    data, report = read()
    assert (len(data), len(data.interactions().histories), report["events"]) == (0, 0, 0)
    assert data.until == 0.0


def test_ragged_arrays_are_cut_like_lists():
    ragged = Ragged(np.arange(6), np.array([0, 2, 2, 6]))
    assert [row.tolist() for row in ragged] == [[0, 1], [], [2, 3, 4, 5]]
    assert ragged[-1].tolist() == [2, 3, 4, 5]
    assert [row.tolist() for row in ragged[1:]] == [[], [2, 3, 4, 5]]
    with pytest.raises(IndexError):
        ragged[3]


def test_reading_costs_the_same_number_of_queries_for_more_shoppers(catalogue, visit, django_assert_max_num_queries):
    visit(30)
    with django_assert_max_num_queries(25):
        read()
