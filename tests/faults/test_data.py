"""Messages that come twice or late, and a product that nothing can be made of."""

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Count
from django.utils import timezone

from catalog import services
from catalog.models import OutboxEntry, Product
from recommend.events.models import Event
from search.encoders.registry import get_encoder
from search.index import filling, outbox
from search.index.batch import Batch
from search.index.compare import Comparison, compare_all
from search.index.drain import drain
from search.index.live import live_collection
from tests import doubles
from tests.faults.conftest import Record
from tests.search.index.conftest import publish
from workers import tasks

__all__ = ["publish"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("quick_encoders", "vector_store")]
API = "/api/v1/search"


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda *args, **options: None)


def compared() -> Comparison:
    return compare_all(live_collection(refresh=True).name)


def due_now() -> None:
    """As if the back-off of every entry had passed."""
    OutboxEntry.objects.filter(parked_at=None).update(available_at=timezone.now() - timedelta(seconds=1))


def test_a_message_is_delivered_twice(publish, record: Record, monkeypatch) -> None:
    products = publish(12)
    encoder, keep, again = get_encoder("text"), Batch.keep, []

    def while_another_works(batch: Batch) -> None:
        if not again:
            again.append(outbox.claim(100))  # what the second delivery finds due meanwhile
        keep(batch)

    monkeypatch.setattr(Batch, "keep", while_another_works)
    encoder.texts_seen.clear()
    for _ in range(3):
        assert tasks.drain_outbox.apply().state == "SUCCESS"
    found = compared()
    assert again == [None], "all are under the lease of the first"
    record(
        part="messages",
        fault="delivered twice",
        shopper_sees="everything as ever",
        retried="the second delivery finds what is due under the lease of the first, or nothing due",
        acknowledged=len(products),
        lost=found.missing + found.stale + OutboxEntry.objects.count(),
        doubled=found.orphaned + len(encoder.texts_seen) - len(products),
    )


def test_an_older_change_is_written_after_a_newer_one(publish, record: Record) -> None:
    products = publish(5)
    targets = filling.targets()
    late = Batch(outbox.claim(5), targets)
    late.load()
    with ThreadPoolExecutor(1) as decoders:
        late.encode(decoders)
    late.keep()
    for product in products:  # another worker is faster with what has changed meanwhile
        product.title = f"Newer {product.title}"
        services.save_product(product)
    due_now()
    drain()
    assert compared().clean
    late.write()
    overwritten = compared().stale
    late.claim.complete(late.versions, [target.name for target in targets])
    drain()
    found = compared()
    record(
        part="messages",
        fault="out of order",
        shopper_sees="for a moment the older title in the index; what is shown is read from the database",
        retried=f"{overwritten} of {len(products)} products, by the worker that was late: its lease was another's",
        acknowledged=2 * len(products),
        lost=found.missing + found.stale + OutboxEntry.objects.count(),
        doubled=found.orphaned,
    )
    assert overwritten == len(products), "else nothing was out of order"


def test_events_come_twice_and_in_any_order(client, publish, record: Record) -> None:
    products, now = publish(4), timezone.now()
    events: list[dict[str, Any]] = [
        {
            "event_id": str(uuid.uuid4()),
            "kind": "view",
            "sku": products[number % 4].sku,
            "session": "s" * 20,
            "happened_at": (now - timedelta(minutes=number)).isoformat(),
        }
        for number in range(20)
    ]
    sent = [*events, *events]
    random.Random(7).shuffle(sent)
    answers = [client.post("/api/v1/events", event, content_type="application/json") for event in sent]
    assert {answer.status_code for answer in answers} <= {200, 201, 202}, answers[0].content
    rows = Event.objects.filter(event_id__in=[event["event_id"] for event in events])
    times = {str(row.event_id): row.happened_at.isoformat() for row in rows}
    record(
        part="events",
        fault="twice, in any order",
        shopper_sees="everything as ever",
        retried="by clients everything once more; the second is answered as a duplicate",
        acknowledged=len(sent),
        lost=sum(times.get(event["event_id"]) != event["happened_at"] for event in events),
        doubled=rows.values("event_id").annotate(times=Count("pk")).filter(times__gt=1).count(),
    )


def test_a_product_makes_the_encoder_fail(client, merchandiser, publish, record: Record, settings, monkeypatch) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 3
    (poison,), others = publish(1, sku="POISON", title=f"Chair {doubles.CRASH}"), publish(20)
    rounds = 0
    while OutboxEntry.objects.filter(parked_at=None).exists():
        due_now()
        drain()
        rounds += 1
        assert rounds <= settings.OUTBOX_MAX_ATTEMPTS, "it is given up in the end"
    parked = OutboxEntry.objects.get()
    assert (parked.product_id, parked.attempts) == (poison.pk, settings.OUTBOX_MAX_ATTEMPTS)
    assert "cannot be encoded" in parked.error
    others_found = compared()
    answer = client.get(API, {"q": "chair"}).json()
    assert (answer["total"], answer["query"]["degraded"]) == (len(others), [])
    page = merchandiser.get("/admin/catalog/outboxentry/")
    assert "cannot be encoded" in page.content.decode()

    monkeypatch.setattr(doubles, "CRASH", "nothing has this word")  # the encoder is mended
    merchandiser.post("/admin/catalog/outboxentry/", {"action": "retry", "_selected_action": [parked.pk]})
    drain()
    found = compared()
    record(
        part="product",
        fault="poison",
        shopper_sees="everything as ever; the product itself cannot be searched until it is mended",
        retried=f"the product, {settings.OUTBOX_MAX_ATTEMPTS} times; then it is parked with its error, "
        "and once more by the button in the admin",
        acknowledged=1 + len(others),
        lost=found.missing + found.stale + found.parked + others_found.stale + others_found.missing - 1,
        doubled=found.orphaned,
    )
    assert Product.objects.count() == found.indexed
