"""Models that cannot be loaded, and encoders that give what is no vector."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone

from catalog import services
from catalog.models import OutboxEntry, Product
from recommend.serving import memory
from recommend.training import behaviour, versions
from recommend.training import live as loading
from search.encoders import registry
from search.index.client import get_client
from search.index.compare import compare_all
from search.index.drain import drain
from search.index.live import live_collection
from search.models import Embedding
from search.query.understand import _encoded
from tests import doubles
from tests.faults.conftest import Record
from tests.recommend.training.conftest import catalogue, indexed, model, train, visit
from tests.search.index.conftest import publish

__all__ = ["catalogue", "indexed", "model", "publish", "train", "visit"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_encoders", "vector_store")]
API = "/api/v1/search"
WORDS_ALONE = "Searched by words alone"
right = doubles.HashedWords.encode_text


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda *args, **options: None)
    monkeypatch.setattr(registry, "_failed", {})
    _encoded.cache_clear()


def due_now() -> None:
    OutboxEntry.objects.filter(parked_at=None).update(available_at=timezone.now() - timedelta(seconds=1))


def of_one(value: float) -> Callable[..., object]:
    def broken(self: object, texts: list[str], *, query: bool = False) -> np.ndarray:
        return np.full((len(texts), doubles.DIM), value, np.float32)

    return broken


def of_another_dimension(self: object, texts: list[str], *, query: bool = False) -> np.ndarray:
    return np.ones((len(texts), doubles.DIM + 1), np.float32)


BROKEN = {
    "NaN": of_one(np.nan),
    "infinite values": of_one(np.inf),
    "vectors of zeros": of_one(0.0),
    "another dimension": of_another_dimension,
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", BROKEN)
def test_an_encoder_gives_what_is_no_vector(client, publish, record: Record, settings, monkeypatch, fault: str) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 2
    before = publish(4)
    drain()
    monkeypatch.setattr(doubles.HashedWords, "encode_text", BROKEN[fault])
    (late,) = publish(1, sku="LATE", title="Chair that came late")
    answer = client.get(API, {"q": "chair"})
    assert answer.status_code == 200
    assert {hit["sku"] for hit in answer.json()["hits"]} == {product.sku for product in before}
    assert any(WORDS_ALONE in sentence for sentence in answer.json()["query"]["degraded"])
    page = client.get("/search", {"q": "chairs"})
    assert page.status_code == 200
    for _ in range(settings.OUTBOX_MAX_ATTEMPTS):
        due_now()
        drain()
    parked = OutboxEntry.objects.get(product_id=late.pk)
    assert parked.parked_at is not None
    assert "The encoder gave" in parked.error
    assert get_client().retrieve(live_collection().name, [late.pk]) == []
    kept = [np.frombuffer(bytes(row), "<f2") for row in Embedding.objects.values_list("vector", flat=True)]
    assert all(len(vector) == doubles.DIM and np.isfinite(vector).all() and vector.any() for vector in kept)

    monkeypatch.setattr(doubles.HashedWords, "encode_text", right)
    services.retry_parked(OutboxEntry.objects.all())
    drain()
    found = compare_all(live_collection().name)
    mended = client.get(API, {"q": "chair"}).json()
    assert mended["query"]["degraded"] == []
    record(
        part="encoder",
        fault=fault,
        shopper_sees="search by words alone, and says so",
        retried=f"the product, {settings.OUTBOX_MAX_ATTEMPTS} times; then it is parked with its error",
        acknowledged=len(before) + 1,
        lost=found.missing + found.stale + found.parked,
        doubled=found.orphaned,
    )


@pytest.mark.slow
def test_an_encoder_cannot_be_loaded(client, publish, record: Record, monkeypatch) -> None:
    before = publish(4)
    drain()
    tries = []

    def missing(self: object, **options: object) -> None:
        tries.append(options)
        raise FileNotFoundError("model.safetensors")

    make = doubles.HashedWords.__init__
    monkeypatch.setattr(registry, "_encoders", {})
    monkeypatch.setattr(doubles.HashedWords, "__init__", missing)
    (late,) = publish(1, sku="LATE", title="Chair that came late")
    for _ in range(5):
        answer = client.get(API, {"q": "chair"})
        assert answer.status_code == 200
        assert {hit["sku"] for hit in answer.json()["hits"]} == {product.sku for product in before}
        assert any(WORDS_ALONE in sentence for sentence in answer.json()["query"]["degraded"])
    assert len(tries) <= 2, "each try takes seconds: the text and the image encoder once"
    for _ in range(9):
        due_now()
        assert "cannot be loaded" in drain().reason
    entry = OutboxEntry.objects.get(product_id=late.pk)
    assert (entry.parked_at, entry.attempts) == (None, 0), "it is not its fault"

    monkeypatch.setattr(doubles.HashedWords, "__init__", make)
    registry._failed.clear()  # as after a while
    due_now()
    drain()
    found = compare_all(live_collection().name)
    record(
        part="encoder",
        fault="cannot be loaded",
        shopper_sees="search by words alone, and says so",
        retried="loading it, every half a minute; products wait and are not parked",
        acknowledged=len(before) + 1,
        lost=found.missing + found.stale + found.waiting + found.parked,
        doubled=found.orphaned,
    )


@pytest.mark.slow
def test_the_recommender_cannot_be_read(
    client, indexed: list[Product], visit, model, train, record: Record, settings
) -> None:
    visit(80)
    assert train().state == "published"
    version = loading.live()
    assert version is not None
    files = [file for file in Path(version.folder).rglob("*") if file.is_file()]
    contents = {file: file.read_bytes() for file in files}
    for file in files:
        file.unlink()  # a mapped file that is cut short would take the process down
        file.write_bytes(b"\x00 nothing that anybody could read")
    loading.forget()
    memory.forget()
    for surface in ("for-you", "trending", "new-arrivals"):
        answer = client.get(f"/api/v1/recommendations/{surface}")
        assert answer.status_code == 200, surface
    assert client.get("/api/v1/recommendations/bought-together", {"product": indexed[0].sku}).status_code == 200
    for product in indexed[:3]:
        product.price = 99
        services.save_product(product)
    drain()
    index = compare_all(live_collection().name)
    assert index.clean
    assert not index.waiting, "no product waits for the recommender"

    for file, content in contents.items():
        file.unlink()
        file.write_bytes(content)
    loading.forget()
    memory.forget()
    versions.level_live()
    standing = behaviour.compare_live()
    assert standing is not None
    record(
        part="recommender",
        fault="cannot be read",
        shopper_sees="what goes together by counts, what is popular, what is new",
        retried="reading it, every ten seconds; its points are brought level by the schedule once it can be read",
        acknowledged=len(indexed) + 3,
        lost=index.missing + index.stale + standing.missing + standing.stale,
        doubled=index.orphaned + standing.orphaned,
    )
