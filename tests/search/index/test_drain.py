"""From an outbox entry to a point, and all that can go wrong on the way."""

import pytest

from catalog import services
from catalog.models import OutboxEntry, Product
from search.index.compare import compare_all
from search.index.drain import drain, drain_once
from search.index.live import live_collection

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoders")]


def published(count: int, **fields: object) -> list[Product]:
    made = []
    for number in range(count):
        product = Product(
            sku=f"sku-{number}", title=f"Chair number {number}", price=10 + number, status="published", **fields
        )
        services.save_product(product)
        made.append(product)
    return made


def test_a_published_product_gets_a_point(vector_store):
    (product,) = published(1)
    report = drain_once()
    assert (report.done, report.failed, report.texts) == (1, 0, 1)
    (point,) = vector_store.retrieve(live_collection().name, [product.id], with_payload=True, with_vectors=True)
    assert point.payload["sku"] == "sku-0"
    assert point.payload["version"] == Product.objects.get().version
    assert len(point.vector["text"]) == 32
    assert not OutboxEntry.objects.exists()
    print(compare_all(live_collection().name))
    drain()
