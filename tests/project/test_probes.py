"""What the real parts answer to probes, and what a real search leaves in the metrics."""

import time
from typing import Any

import pytest
from qdrant_client import QdrantClient

from catalog import services
from catalog.models import Product
from search import metrics
from search.index.drain import drain
from search.models import IndexingMinute
from search.query.engine import search
from search.query.request import SearchRequest
from vetrina.monitoring import probes

pytestmark = pytest.mark.django_db


def _stages() -> dict[str, float]:
    return {
        stage: next(each.value for each in metrics.STAGE_SECONDS.labels(stage)._samples() if each.name == "_count")
        for stage in metrics.STAGES
    }


def _total(counter: Any) -> float:
    return float(counter._value.get())


@pytest.mark.slow
def test_the_points_are_those_of_the_live_collection(vector_store: QdrantClient, quick_encoders: None) -> None:
    assert probes._points() == 0, "an installation that is new is not a broken one"
    for number in range(3):
        services.save_product(Product(sku=f"P{number}", title="Red lamp", status="published"))
    report = drain()
    assert probes._points() == 3
    row = IndexingMinute.objects.get()
    assert (row.products, row.texts, row.pictures, row.failed) == (3, report.texts, report.pictures, 0)
    assert report.texts > 0


@pytest.mark.slow
def test_a_search_goes_through_every_stage_and_remembers_its_vector(
    vector_store: QdrantClient, quick_encoders: None
) -> None:
    services.save_product(Product(sku="P1", title="Red lamp", status="published"))
    drain()
    words, before = "red lamp of the watched kind", _stages()
    asked, encoded = _total(metrics.QUERY_VECTORS), _total(metrics.QUERY_VECTORS_ENCODED)
    search(SearchRequest(q=words))
    after = _stages()
    assert [stage for stage in metrics.STAGES if after[stage] == before[stage]] == []
    first = _total(metrics.QUERY_VECTORS_ENCODED)
    assert first > encoded
    search(SearchRequest(q=words))
    assert _total(metrics.QUERY_VECTORS_ENCODED) == first, "it was encoded a second time"
    assert _total(metrics.QUERY_VECTORS) >= asked + 2


def test_the_broker_tells_how_many_messages_wait() -> None:
    depths = probes.Probe(probes._depths).wait(time.monotonic() + 30)
    assert set(depths) == {"default", "encode", "train"}
    assert all(isinstance(depth, int) and depth >= 0 for depth in depths.values())
