"""Item vectors in the vector store, in step with the catalogue."""

import numpy as np
import pytest
from qdrant_client import models

from catalog import services
from catalog.models import OutboxEntry, Product
from recommend.training import behaviour, companion, live, versions
from recommend.training.models import ModelVersion
from search.index.client import get_client
from search.index.drain import drain
from search.index.errors import VectorStoreError
from tests.recommend.training.conftest import RING

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("model")]


@pytest.fixture
def published(indexed, visit, train) -> live.Live:
    visit(80)
    assert train().state == "published"
    return live.live()


def payload(product: Product) -> dict | None:
    name = behaviour.collection_of(live.live().version)
    points = get_client().retrieve(name, [product.pk], with_payload=True)
    return points[0].payload if points else None


def test_the_nearest_of_a_users_vector_are_those_with_the_greatest_inner_product(published):
    history = np.array([0, 1, 2])
    user = published.vectors.user_vector(history)
    found = behaviour.nearest(user, filter=None, limit=10, version=published.version)
    scores = published.item_vectors @ user
    best = np.argsort(-scores, kind="stable")[:10]
    assert [id for id, _ in found] == published.items.keys[best].tolist()
    assert np.allclose([score for _, score in found], scores[best], atol=1e-4)
    assert found == behaviour.nearest(user, filter=None, limit=10)  # the alias


@pytest.mark.parametrize(
    ("key", "value"), [("brand", "brand-1"), ("categories", "ring-1"), ("department", "ring-1"), ("in_stock", True)]
)
def test_candidates_are_filtered_by_what_the_search_is_filtered_by(indexed, published, key, value):
    condition = models.FieldCondition(key=key, match=models.MatchValue(value=value))
    user = published.vectors.user_vector(np.array([0]))
    found = behaviour.nearest(user, filter=models.Filter(must=[condition]), limit=100)
    assert len(found) == (len(indexed) if key == "in_stock" else RING)


def test_stock_price_and_status_reach_the_points(indexed, published):
    sold_out, dearer, archived = indexed[:3]
    sold_out.stock = 0
    services.save_product(sold_out)
    dearer.price = 99
    services.save_product(dearer)
    services.archive([archived.pk])
    drain()
    assert payload(sold_out)["in_stock"] is False
    assert payload(dearer)["price"] == 99
    assert payload(archived) is None
    assert behaviour.compare_live().clean


def test_a_new_product_has_a_vector_from_its_content_as_soon_as_it_is_indexed(indexed, published):
    alike = services.save_product(Product(sku="NEW", title=indexed[0].title, status="published", stock=1))
    drain()
    vector = behaviour.vectors_of([alike.pk])[alike.pk]
    expected = published.vectors.content_vectors(published.features.items(_described(alike)))[0]
    assert np.allclose(vector, expected, atol=1e-4)
    assert np.linalg.norm(vector) > 0
    found = behaviour.nearest(vector, filter=None, limit=3)
    assert alike.pk in [id for id, _ in found]


def _described(product: Product):
    from recommend.training.features import described

    return next(described([product.pk]))


def test_a_companion_that_fails_lets_the_entries_come_again_and_nothing_is_lost(indexed, published, monkeypatch):
    product = indexed[0]
    product.price = 77
    services.save_product(product)

    def down(*_):
        raise RuntimeError("no model here")

    monkeypatch.setattr(companion.behaviour, "write", down)
    report = drain()
    assert report.put_off == 1
    assert "no model here" in report.reason
    entry = OutboxEntry.objects.get()
    assert (entry.product_id, entry.attempts, entry.parked_at) == (product.pk, 0, None)
    assert payload(product)["price"] != 77
    monkeypatch.undo()
    entry.available_at = entry.created_at
    entry.save()
    assert drain().done == 1
    assert payload(product)["price"] == 77
    assert not OutboxEntry.objects.exists()


def test_a_change_during_the_filling_is_in_both_collections(indexed, published, train, visit, monkeypatch):
    product = indexed[3]
    original, changed = behaviour.write, []

    def write(model, entries):
        if not changed and len(entries) > 1:
            # Between reading the rows and writing the points, a worker is faster with a newer state.
            changed.append(product.pk)
            product.price = 55
            services.save_product(product)
            drain()
        original(model, entries)

    monkeypatch.setattr(behaviour, "write", write)
    visit(100, days_ago=0.01, seed=5)
    version = ModelVersion.objects.get(pk=train().version_id)
    if not version.live:
        versions.publish(version)
    assert changed
    for each in ModelVersion.objects.all():
        (point,) = get_client().retrieve(behaviour.collection_of(each.pk), [product.pk], with_payload=True)
        assert point.payload["price"] == 55


def test_a_lost_store_is_filled_again(indexed, published):
    get_client().delete_collection(behaviour.collection_of(published.version))
    with pytest.raises(VectorStoreError) as raised:
        behaviour.nearest(np.ones(16, np.float32), filter=None, limit=1, version=published.version)
    assert raised.value.status == 404
    assert versions.level_live() == len(indexed)
    assert behaviour.compare_live().clean
    assert len(behaviour.nearest(np.ones(16, np.float32), filter=None, limit=100)) == len(indexed)


def test_a_lost_store_is_filled_again_by_the_next_change(indexed, published):
    get_client().delete_collection(behaviour.collection_of(published.version))
    indexed[0].price = 5
    services.save_product(indexed[0])
    drain()
    assert behaviour.compare_live().clean
    assert behaviour.alias_target() == behaviour.collection_of(published.version)


def test_what_differs_is_counted(indexed, published):
    name = behaviour.collection_of(published.version)
    get_client().delete(name, models.PointIdsList(points=[indexed[0].pk]), wait=True)
    Product.objects.filter(pk=indexed[1].pk).update(version=99)
    Product.objects.filter(pk=indexed[2].pk).update(status="archived")
    found = behaviour.compare_live()
    assert (found.missing, found.stale, found.orphaned, found.clean) == (1, 1, 1, False)


def test_without_a_model_there_is_nothing_to_keep_in_step(indexed):
    companion.follow([], {1})
    assert behaviour.compare_live() is None


def test_a_model_without_item_vectors_has_no_collection(indexed, visit, train, model):
    visit(80)
    train()
    assert behaviour.alias_target()
    model("seq-knn")
    visit(200, days_ago=0.01, seed=1)
    version = train().version
    if not version.live:
        versions.publish(version)
    assert behaviour.alias_target() is None
    assert live.live().vectors is None
    indexed[0].price = 3
    services.save_product(indexed[0])
    assert drain().done == 1


def test_no_product_waits_for_a_model_that_cannot_be_read(indexed, published, monkeypatch):
    def unreadable(*_: object, **__: object) -> None:
        raise ValueError("The files cannot be read")

    live.forget()
    indexed[0].price = 77
    services.save_product(indexed[0])
    with monkeypatch.context() as patch:
        patch.setattr(live, "load", unreadable)
        assert drain().done == 1
    live.forget()
    assert not behaviour.compare_live().clean
    assert versions.level_live() == 1
    assert behaviour.compare_live().clean
