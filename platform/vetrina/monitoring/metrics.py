"""What /metrics answers: the counters of all processes of this web server, and how the installation stands now."""

import os
from collections.abc import Iterator
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric

from vetrina.monitoring import parts, probes, state

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"  # where processes keep their counters for each other; see vetrina.gunicorn


def render() -> bytes:
    """The text format of Prometheus. Counters first, so that they are told even where a part keeps us waiting."""
    registry: CollectorRegistry = REGISTRY
    if os.environ.get(DIRECTORY):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    now = CollectorRegistry()
    now.register(_Now())
    return generate_latest(registry) + generate_latest(now)


class _Now:
    """Gauges that are read when they are scraped."""

    def collect(self) -> Iterator[Metric]:
        health = parts.look(everywhere=True)
        yield _gauge("degraded", "1 where a part of the installation is degraded.", "part", {
            part.name: int(bool(part.degraded)) for part in health.parts
        })  # fmt: skip
        yield _plain("ready", "1 where pages can be served at all.", int(health.ready))
        if health.depths is not None:
            yield _gauge("queue_messages", "Messages that wait at the broker.", "queue", health.depths)
        if health.points is not None:
            yield _plain("index_points", "Points of the collection that is searched.", health.points)
        if health.state is not None:
            yield from _of(health.state)


def _of(now: state.State) -> Iterator[Metric]:
    outbox, seconds = now.outbox, state.RECENT.total_seconds()
    waiting = {"waiting": outbox.waiting - outbox.claimed, "claimed": outbox.claimed, "parked": outbox.parked}
    yield _gauge("outbox_entries", "Products whose points must be brought level.", "state", waiting)
    yield _plain("outbox_oldest_seconds", "Age of the oldest change that waits.", outbox.oldest_seconds or 0.0)
    yield _plain("products_published", "Products that are for sale.", now.published)
    yield _plain("index_lag_products", "Of these, those whose points may differ from their rows.", now.stale)
    per_second = {name: now.recent[name] / seconds for name in ("products", "failed")}
    yield _gauge("indexed_per_second", "Products brought level, mean of five minutes.", "outcome", {
        "done": per_second["products"], "failed": per_second["failed"],
    })  # fmt: skip
    yield _gauge("encoded_per_second", "Encoded by workers, mean of five minutes.", "kind", {
        "text": now.recent["texts"] / seconds, "picture": now.recent["pictures"] / seconds,
    })  # fmt: skip
    busy = now.recent["encode_ms"] / 1000 / seconds
    yield _plain("encoders_busy", "Encoders that were at work at once, mean of five minutes.", busy)
    queues = {queue: now.workers_of(queue) for queue in probes.queues()}
    yield _gauge("workers", "Workers of a queue that were seen lately.", "queue", queues)
    yield _plain("schedules", "Schedules that were seen lately; one is right.", now.schedules)
    yield _plain("index_collections", "Collections that take writes; two while one is filled.", len(now.collections))
    model = now.model
    yield _plain("recommender_version", "The version that is live; 0: none.", model.pk if model else 0)
    if model is not None:
        age = (now.at - (model.published_at or model.created_at)).total_seconds()
        yield _plain("recommender_age_seconds", "Since the live version was published.", age)
        coverage = (model.metrics.get("new") or {}).get("coverage@10")
        if coverage is not None:
            yield _plain("recommender_coverage", "Share of the products in somebody's first ten, held out.", coverage)


def _plain(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"vetrina_{name}", text, value=value)


def _gauge(name: str, text: str, label: str, values: dict[str, Any]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"vetrina_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
