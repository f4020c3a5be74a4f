"""Run the suite on a PostgreSQL and a Redis of its own: `python tests/real_parts.py [pytest's arguments]`.

All tests to which these parts could make a difference (tests/production_parts.py tells which), but those marked
`sqlite`, `browser` or `data`.
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

from tests.production_parts import REDIS_DATABASES  # noqa: E402  (the paths above)
from tests.recommend.sponsored.shop_server import free_port, postgres  # noqa: E402

MEMORY, ROOM = Path("/dev/shm"), 2 * 2**30  # noqa: S108  bytes; containers often have no more than 64 MB there
TEMPLATE = "migrated"
MARKS = "not sqlite and not browser and not data"
# Nobody misses these rows after a power cut, and waiting for the disk is most of the time of emptying tables.
FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=256MB", "autovacuum=off")


@contextlib.contextmanager
def redis(databases: int) -> Iterator[str]:
    """A Redis of this run's own on loopback; gives host and port."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("Redis is not installed: apt-get install redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="vetrina-redis-") as folder:
        arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"]
        arguments += ["--databases", str(databases)]
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


def _migrate_once(database: str, environment: dict[str, str]) -> None:
    """Make the database of which those of the tests are copies."""
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")  # type: ignore[arg-type]
    own = environment | {"DATABASE_URL": f"{database.rpartition('/')[0]}/{TEMPLATE}"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=own, check=True)


def main(arguments: list[str]) -> int:
    jobs = int(os.environ.get("JOBS", "2"))
    in_memory = MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None
    with postgres(FORGETFUL, in_memory) as database, redis(max(1, jobs) * REDIS_DATABASES) as broker:
        environment = os.environ | {
            "DATABASE_URL": database,
            "TESTS_REDIS": broker,
            "TESTS_TEMPLATE": TEMPLATE,
            "HYPOTHESIS_PROFILE": "quick",
            "PYTHONPATH": str(ROOT),
        }
        _migrate_once(database, environment)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.production_parts", "-m", MARKS]
        if jobs > 1:
            command += ["-n", str(jobs), "--dist", "worksteal"]
        return subprocess.run([*command, *arguments], cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
