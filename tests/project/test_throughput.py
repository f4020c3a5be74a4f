"""What is counted of the workers' doing, and how they tell that they live."""

import os
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from catalog.models import OutboxEntry
from search import metrics
from search.index import throughput
from search.models import IndexingMinute, ProcessSeen
from workers import presence, tasks

pytestmark = pytest.mark.django_db


def test_what_several_drains_do_in_a_minute_adds_up() -> None:
    for products in (3, 4):
        meter = throughput.Meter()
        meter.add(products=products, failed=1)
        meter.add(texts=10, encode_ms=500)
        assert not IndexingMinute.objects.filter(products=products).exists(), "one writing for a drain is enough"
        meter.write()
        meter.write()
    totals = [sum(getattr(row, name) for row in IndexingMinute.objects.all()) for name in throughput.COUNTED]
    assert dict(zip(throughput.COUNTED, totals, strict=True)) == {
        "products": 7, "failed": 2, "texts": 20, "pictures": 0, "encode_ms": 1000,
    }  # fmt: skip


def test_a_long_drain_is_told_of_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "FLUSH_SECONDS", -1.0)
    throughput.Meter().add(products=5)
    assert sum(row.products for row in IndexingMinute.objects.all()) == 5


def test_figures_that_cannot_be_written_stop_no_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise OperationalError("database is locked")

    meter = throughput.Meter()
    meter.add(products=1)
    monkeypatch.setattr(IndexingMinute.objects, "get_or_create", fail)
    meter.write()


def test_the_outbox_is_looked_at_and_old_minutes_are_forgotten() -> None:
    now = timezone.now()
    IndexingMinute.objects.create(minute=now - timedelta(days=9), products=1)
    OutboxEntry.objects.create(product_id=1, created_at=now - timedelta(seconds=70))
    OutboxEntry.objects.create(product_id=2, created_at=now - timedelta(days=2), parked_at=now)
    tasks.watch()
    tasks.watch()
    told = list(IndexingMinute.objects.exclude(waiting=None))
    assert {(row.waiting, row.parked) for row in told} == {(1, 1)}
    assert all(70 <= (row.oldest_seconds or 0) < 100 for row in told), "what was given up does not wait"
    assert not IndexingMinute.objects.filter(products=1).exists()


def test_a_process_tells_that_it_lives_and_that_it_ends() -> None:
    old = timezone.now() - timedelta(days=2)
    ProcessSeen.objects.create(name="gone@one", kind="worker", pid=1, seen_at=old)
    mine = presence.Presence("encode@one", ProcessSeen.Kind.WORKER, ["encode", "default"])
    mine.tell()
    mine.tell()
    row = ProcessSeen.objects.get()
    assert (row.name, row.queues, row.pid) == ("encode@one", ["default", "encode"], os.getpid())
    mine._ended.set()
    mine._thread.run = lambda: None  # type: ignore[method-assign]  # the renewing thread has a connection of its own
    mine.start()
    mine.stop()
    assert not ProcessSeen.objects.exists()


def test_a_stage_is_timed_without_the_stages_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 4.0, 10.0])  # outer begins, inner begins, inner ends, outer ends
    # Of this module alone: whoever runs the tests looks at the time as well.
    monkeypatch.setattr(metrics, "time", SimpleNamespace(perf_counter=lambda: next(clock)))

    def seconds(stage: str) -> float:
        child = metrics.STAGE_SECONDS.labels(stage)
        return next(sample.value for sample in child._samples() if sample.name == "_sum")

    before = seconds("rank"), seconds("encode")
    with metrics.stage("rank"), metrics.stage("encode"):
        pass
    assert seconds("rank") - before[0] == pytest.approx(7.0)
    assert seconds("encode") - before[1] == pytest.approx(3.0)
