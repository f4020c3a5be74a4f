"""What the search counts and times for Prometheus, in each process.

Names follow https://prometheus.io/docs/practices/naming/: seconds, and no label whose values visitors make up.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from prometheus_client import Counter, Histogram

STAGES = ("understand", "encode", "retrieve", "rank", "hydrate")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

STAGE_SECONDS = Histogram(
    "vetrina_search_stage_seconds",
    "Time of one stage of a search, without the stages within it.",
    ["stage"],
    buckets=BUCKETS,
)
SEARCHES = Counter("vetrina_searches", "Searches by how they ended.", ["outcome"])
QUERY_VECTORS = Counter("vetrina_query_vectors", "Vectors of queries that were asked for, remembered or not.")
QUERY_VECTORS_ENCODED = Counter("vetrina_query_vectors_encoded", "Of these, those that had to be encoded.")

_within: ContextVar[list[float] | None] = ContextVar("within", default=None)  # seconds spent in stages further in


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time a stage, one of STAGES. What a stage within it takes counts there alone. Also a decorator."""
    outer, within = _within.get(), [0.0]
    token = _within.set(within)
    started = time.perf_counter()
    try:
        yield
    finally:
        took = time.perf_counter() - started
        _within.reset(token)
        if outer is not None:
            outer[0] += took
        STAGE_SECONDS.labels(name).observe(max(took - within[0], 0.0))


def searched(*, hits: int, degraded: bool) -> None:
    """Count a search that was answered. One that was not is counted as "unavailable"."""
    SEARCHES.labels("degraded" if degraded else "answered" if hits else "empty").inc()
