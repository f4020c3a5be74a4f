"""What the recommendations count and time for Prometheus, in each process."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram

from search.metrics import BUCKETS

ANSWERS = Counter(
    "vetrina_recommendations", "Answers of a surface: full, short of what was asked for, empty or failed.",
    ["surface", "outcome"],
)  # fmt: skip
SECONDS = Histogram("vetrina_recommendation_seconds", "Time of an answer.", ["surface"], buckets=BUCKETS)


@contextmanager
def answering(surface: str, limit: int) -> Iterator[Callable[[int], None]]:
    """Count and time one answer; call what is given with the number of its hits. Without that call it has failed."""
    started = time.perf_counter()
    outcome = "failed"

    def told(hits: int) -> None:
        nonlocal outcome
        outcome = "empty" if not hits else "full" if hits >= limit else "short"

    try:
        yield told
    finally:
        ANSWERS.labels(surface, outcome).inc()
        SECONDS.labels(surface).observe(time.perf_counter() - started)
