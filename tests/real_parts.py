"""Run tests on a PostgreSQL and a Redis of their own: `python tests/real_parts.py [pytest's arguments]`.

Without arguments, those that touch the database or the broker. What only SQLite can do is marked `sqlite` and left out.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from tests.recommend.sponsored.shop_server import free_port, postgres  # noqa: E402  (the paths above)

CHOSEN = [
    *("tests/catalog/test_services.py", "tests/catalog/test_taxonomy_services.py", "tests/catalog/test_selectors.py"),
    *("tests/catalog/test_deleting.py", "tests/catalog/importing/test_importer.py", "tests/catalog/api/test_bulk.py"),
    *("tests/search/index/test_outbox.py", "tests/search/index/test_drain.py", "tests/search/log"),
    *("tests/search/query/test_from_database.py", "tests/search/query/test_search.py", "tests/recommend/events"),
    *("tests/recommend/serving", "tests/recommend/analytics", "tests/workers/test_worker.py"),
    "tests/workers/test_tasks.py",
]  # fmt: skip


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A Redis of this run's own on loopback; gives its address without a database's number."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("Redis is not installed: apt-get install redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="vetrina-redis-") as folder:
        arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"]
        server = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
        try:
            _await_redis(port)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)


def _await_redis(port: int) -> None:
    import redis as client

    deadline = time.monotonic() + 20
    while True:
        try:
            client.Redis(port=port).ping()
            return
        except client.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _forgetful(database: str) -> None:
    """Nobody misses these rows after a power cut, and waiting for the disk is most of the time of emptying tables."""
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")  # type: ignore[arg-type]
        connection.execute("SELECT pg_reload_conf()")


def main(arguments: list[str]) -> int:
    with postgres() as database, redis() as broker:
        _forgetful(database)
        environment = os.environ | {
            "DATABASE_URL": database,
            "CACHE_URL": f"rediscache://{broker}/1",
            "CELERY_BROKER_URL": f"redis://{broker}/0",
            "HYPOTHESIS_PROFILE": "quick",
        }
        command = [sys.executable, "-m", "pytest", "-q", "-m", "not sqlite and not browser and not data"]
        return subprocess.run([*command, *(arguments or CHOSEN)], cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
