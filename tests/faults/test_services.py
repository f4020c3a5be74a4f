"""Services go away, refuse, dawdle, keep silent, take no writes, or have no room left."""

import contextlib
from collections.abc import Callable

import psycopg
import pytest
import redis

from tests.faults.conftest import Record
from tests.faults.folders import fill
from tests.faults.running import Fault, run
from tests.faults.site import FaultSite

pytestmark = [pytest.mark.faults, pytest.mark.own_parts]

PROXIES = {"Qdrant": "qdrant", "Redis": "redis", "PostgreSQL": "postgres"}
# How late each answer comes, in seconds: beyond what a shopper's search waits for, and so that pages with many
# questions are slow.
DELAYS = {"Qdrant": 6.0, "Redis": 0.3, "PostgreSQL": 0.05}


@pytest.fixture(scope="module", autouse=True)
def _by_url(site: FaultSite) -> None:
    site.use_embedded(False)


@pytest.mark.parametrize("mode", ["gone", "refusing", "slow", "silent"])
@pytest.mark.parametrize("part", PROXIES)
def test_the_way_to_a_service_is_broken(site: FaultSite, record: Record, part: str, mode: str) -> None:
    proxy = site.proxies[PROXIES[part]]
    begin = lambda: proxy.set(mode, delay=DELAYS[part])  # noqa: E731
    # Longer than a web process lets a statement keep silent (DATABASE_PATIENCE_SECONDS).
    seconds = 6 if mode in ("gone", "refusing") else 25 if (part, mode) == ("PostgreSQL", "silent") else 10
    run(site, record, Fault(part, mode, begin, site.mend, seconds=seconds))


def _only_reading(site: FaultSite) -> dict[str, tuple[Callable[[], None], Callable[[], None]]]:
    def database(only: str) -> None:
        with psycopg.connect(site.direct.database, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {only}")  # type: ignore[arg-type]
            connection.execute("SELECT pg_reload_conf()")

    def replica(of: tuple[str, str]) -> None:
        # As after a failover: the server at the old address became the replica of another.
        with contextlib.closing(redis.Redis(port=site.redis_port)) as server:
            server.execute_command("REPLICAOF", *of)

    proxy = site.proxies["qdrant"]
    return {
        "Qdrant": (lambda: proxy.set("read-only"), lambda: proxy.set("pass")),
        "Redis": (lambda: replica(("127.0.0.1", "1")), lambda: replica(("NO", "ONE"))),
        "PostgreSQL": (lambda: database("on"), lambda: database("off")),
    }


@pytest.mark.parametrize("part", PROXIES)
def test_a_service_takes_no_writes(site: FaultSite, record: Record, part: str) -> None:
    begin, mend = _only_reading(site)[part]
    run(site, record, Fault(part, "read-only", begin, mend))


@pytest.mark.parametrize("part", PROXIES)
def test_the_disk_of_a_service_is_full(site: FaultSite, record: Record, part: str) -> None:
    run(site, record, Fault(part, "disk full", lambda: fill(site.folders[PROXIES[part]]), site.mend, seconds=10))
