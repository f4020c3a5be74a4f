"""What probes and Prometheus are told, and who is told."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from catalog.models import OutboxEntry, Product
from search.models import IndexingMinute, ProcessSeen
from vetrina import health
from vetrina.monitoring import probes, state

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[2] / "docs"


def _refuse() -> Any:
    raise ConnectionError("http://secret-host:6333 says no")


@pytest.fixture(autouse=True)
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set what the parts outside of the database answer; all of them answer at first."""

    def set_(**asks: Callable[[], Any]) -> None:
        health.forget()
        for name, ask in asks.items():
            monkeypatch.setattr(probes, name, probes.Probe(ask))

    set_(vectors=lambda: 12, broker=lambda: {"default": 0, "encode": 5, "train": 0})
    yield set_
    health.forget()


@pytest.fixture
def staffed() -> None:
    for name, kind, queues in (
        ("all@one", "worker", ["default", "encode", "train"]),
        ("beat@one", "schedule", []),
    ):
        ProcessSeen.objects.create(name=name, kind=kind, queues=queues, pid=1)


def _degraded(client: Client) -> dict[str, str]:
    health.forget()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    return {each["part"]: each["detail"] for each in answer.json()["degraded"]}


def test_nothing_is_degraded_where_everything_answers(client: Client, staffed: None) -> None:
    assert client.get("/healthz").content == b"ok"
    assert _degraded(client) == {}


def test_a_store_and_a_broker_that_refuse_are_told_without_their_addresses(
    client: Client, staffed: None, parts: Callable[..., None]
) -> None:
    parts(vectors=_refuse, broker=_refuse)
    told = _degraded(client)
    assert set(told) == {"vectors", "broker"}
    assert "ConnectionError" in told["vectors"]
    assert "secret" not in client.get("/readyz").content.decode()


@pytest.mark.slow
def test_a_store_that_never_answers_costs_its_time_once(
    client: Client, staffed: None, parts: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "PATIENCE", 0.2)
    released, asked = threading.Event(), []
    parts(vectors=lambda: asked.append(1) or released.wait(20))
    started = time.monotonic()
    assert _degraded(client)["vectors"].startswith("The vector store does not answer")
    assert _degraded(client)["vectors"].startswith("The vector store does not answer")
    assert time.monotonic() - started < 5
    assert len(asked) == 1, "a question that is still open was asked a second time"
    released.set()


def test_without_the_database_nothing_can_be_served(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**options: bool) -> state.State:
        raise OperationalError("connection to server at 10.1.2.3 failed for user vetrina")

    monkeypatch.setattr(state, "read", fail)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert "database" in {each["part"] for each in answer.json()["degraded"]}
    assert "10.1.2.3" not in answer.content.decode()
    assert client.get("/healthz").status_code == 200
    told = client.get("/metrics").content.decode()
    assert "vetrina_ready 0.0" in told
    assert "vetrina_requests_total" in told


def test_workers_that_were_not_seen_lately_are_missed(client: Client, staffed: None) -> None:
    ProcessSeen.objects.filter(name="all@one").update(queues=["default", "train"])
    assert "encode" in _degraded(client)["workers"]
    ProcessSeen.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    assert set(_degraded(client)) == {"workers", "schedule"}


def test_changes_that_wait_for_long_are_told(
    client: Client, staffed: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OUTBOX_LATE_SECONDS = 60
    entry = OutboxEntry.objects.create(product_id=1, created_at=timezone.now() - timedelta(seconds=30))
    assert _degraded(client) == {}
    at = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: at)
    OutboxEntry.objects.filter(pk=entry.pk).update(created_at=at - timedelta(seconds=90))
    assert "90 seconds" in _degraded(client)["outbox"]
    OutboxEntry.objects.filter(pk=entry.pk).update(parked_at=timezone.now())
    assert "could not be indexed: 1" in _degraded(client)["outbox"]


def test_an_answer_is_kept_for_a_moment(
    client: Client, staffed: None, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vetrina.health.KEPT_SECONDS", 600.0)
    client.get("/readyz")
    with django_assert_num_queries(0):
        client.get("/readyz")


def _samples(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_tell_how_the_installation_stands(client: Client, staffed: None) -> None:
    now = timezone.now()
    for number in range(3):
        Product.objects.create(sku=f"L{number}", slug=f"lamp-{number}", title="Lamp", status="published")
    OutboxEntry.objects.all().delete()
    product = Product.objects.get(sku="L1")
    OutboxEntry.objects.create(product_id=product.pk, created_at=now - timedelta(seconds=40), claimed_by="one")
    OutboxEntry.objects.create(product_id=99_999, created_at=now, parked_at=now)
    IndexingMinute.objects.create(minute=now - timedelta(minutes=1), products=600, texts=300, encode_ms=30_000)
    IndexingMinute.objects.create(minute=now - timedelta(minutes=9), products=7_000)
    told = _samples(client.get("/metrics").content.decode())
    assert told["vetrina_outbox_entries", "state=claimed"] == 1
    assert told["vetrina_outbox_entries", "state=parked"] == 1
    assert 40 <= told["vetrina_outbox_oldest_seconds", ""] < 100
    assert told["vetrina_products_published", ""] == 3
    assert told["vetrina_index_lag_products", ""] == 1
    assert told["vetrina_index_points", ""] == 12
    assert told["vetrina_queue_messages", "queue=encode"] == 5
    assert told["vetrina_indexed_per_second", "outcome=done"] == 2
    assert told["vetrina_encoded_per_second", "kind=text"] == 1
    assert told["vetrina_encoders_busy", ""] == pytest.approx(0.1)
    assert told["vetrina_workers", "queue=encode"] == 1
    assert told["vetrina_degraded", "part=outbox"] == 1
    assert told["vetrina_recommender_version", ""] == 0


def test_the_number_of_queries_does_not_grow(client: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        OutboxEntry.objects.create(product_id=number + 1)
        ProcessSeen.objects.create(name=f"w{number}", kind="worker", queues=["encode"], pid=number)
        IndexingMinute.objects.create(minute=timezone.now() - timedelta(minutes=number), products=1)
    with django_assert_max_num_queries(9):
        client.get("/metrics")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "203.0.113.9"}, 403),
        ({"REMOTE_ADDR": ""}, 403),
        ({"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403),
        ({"HTTP_VIA": "1.1 proxy"}, 403),
    ],
)
def test_metrics_are_for_this_machine_alone(client: Client, sent: dict[str, str], status: int) -> None:
    assert client.get("/metrics", **sent).status_code == status  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer 0123456789abcdef", 200),
        ("bearer 0123456789abcdef", 200),
        ("Bearer 0123456789abcdeg", 401),
        ("Bearer ", 401),
        ("Bearer ÿ", 401),
        ("Basic 0123456789abcdef", 401),
        ("", 401),
    ],
)
def test_with_a_token_it_is_the_token_that_counts(
    client: Client, settings: Any, authorization: str, status: int
) -> None:
    settings.METRICS_TOKEN = "0123456789abcdef"
    answer = client.get("/metrics", HTTP_AUTHORIZATION=authorization, REMOTE_ADDR="203.0.113.9")
    assert answer.status_code == status


def test_behind_a_proxy_a_token_is_needed(client: Client, settings: Any) -> None:
    settings.BEHIND_PROXY = True
    assert client.get("/metrics").status_code == 403


def test_the_dashboard_and_the_documentation_name_metrics_that_there_are(client: Client, staffed: None) -> None:
    from recommend.metrics import ANSWERS, SECONDS
    from recommend.training.models import ModelVersion
    from search.metrics import SEARCHES, STAGE_SECONDS

    ModelVersion.objects.create(name="popular", path="1", live=True, metrics={"new": {"coverage@10": 0.5}})
    for labelled in (ANSWERS.labels("home", "full"), SEARCHES.labels("empty")):
        labelled.inc()
    for timed in (SECONDS.labels("home"), STAGE_SECONDS.labels("rank")):
        timed.observe(0.1)
    client.get("/healthz")
    told = {name for name, _ in _samples(client.get("/metrics").content.decode())}
    dashboard = (DOCS / "grafana/vetrina.json").read_text()
    panels = json.loads(dashboard)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    drawn = set(re.findall(r"vetrina_\w+", dashboard))
    assert drawn - told == set()
    documented = set(re.findall(r"vetrina_\w+", (DOCS / "operations.md").read_text()))
    histograms = {name.removesuffix("_bucket") for name in told if name.endswith("_bucket")}
    assert documented - told - histograms == set()
    ours = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in told if name.startswith("vetrina_")}
    totals = {name.removesuffix("_total") for name in ours if name.endswith("_total")}  # have a "_created" beside them
    assert ours - documented - totals == set()
