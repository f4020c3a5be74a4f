"""A shop in a folder of its own, run by real processes: commands, a Celery worker, vectord."""

import atexit
import contextlib
import itertools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.nursery import ROOT, start
from tests.production_parts import REDIS_DATABASES


@dataclass
class Installation:
    """A shop in a folder of its own, run by real processes."""

    home: Path
    worker: subprocess.Popen[bytes] | None = None
    settings: dict[str, str] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    # How many products were imported and not yet indexed at each kill.
    due_at_kills: list[int] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return (
            os.environ
            | {
                "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
                "DJANGO_SETTINGS_MODULE": "vetrina.settings",
                "VETRINA_HOME": str(self.home),
                "OUTBOX_BATCH": "64",
                "OUTBOX_LEASE_SECONDS": "10",
                "OUTBOX_SWEEP_SECONDS": "1",
            }
            | self.settings
        )

    def manage(self, *arguments: str, check: bool = True) -> dict[str, Any]:
        """Run a command with --json to its end; returns the JSON of its last line, {} if there is none."""
        done = start("manage.py", *arguments, **self.environment)
        if check and done.returncode:
            raise AssertionError(f"{arguments}: {done.stderr[-2000:]}")
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return json.loads(lines[-1]) if lines else {}

    def start_worker(self) -> None:
        with (self.home / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "vetrina", "worker", "-P", "solo", "-B", "-Q", "encode,default"],
                cwd=self.home,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, victim: str) -> None:
        self.due_at_kills.append(self.due())
        self.kills[victim] += 1
        if victim in ("vectord", "both"):
            self.kill_vectord()
        if victim in ("worker", "both"):
            self.kill_worker()
            self.start_worker()

    def kill_worker(self) -> None:
        if self.worker is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.worker.pid, signal.SIGKILL)
            self.worker.wait()

    def kill_vectord(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.kill(json.loads((self.home / "vectord" / "endpoint.json").read_text())["pid"], signal.SIGKILL)

    def count(self, sql: str) -> int:
        row = self.row(sql)
        assert row is not None
        return int(row[0])

    def row(self, sql: str) -> tuple[Any, ...] | None:
        """The first row that a query finds, in the words that SQLite and PostgreSQL share."""
        with self._database() as database:
            found: tuple[Any, ...] | None = database.execute(sql).fetchone()
        return found

    def execute(self, *statements: str) -> None:
        """Change the database beside the application, in one transaction."""
        with self._database() as database:
            for statement in statements:
                database.execute(statement)
            database.commit()

    @contextlib.contextmanager
    def _database(self) -> Iterator[Any]:
        if address := self.settings.get("DATABASE_URL", ""):
            import psycopg

            with psycopg.connect(address) as connection:
                yield connection
        else:
            with contextlib.closing(sqlite3.connect(self.home / "vetrina.sqlite3", timeout=60)) as database:
                yield database

    def wait_for(self, happened: Callable[[], bool], seconds: float = 900) -> None:
        """Wait until something has happened; a machine that is busy may take its time, but not for ever."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, (self.home / "worker.log").read_text()[-3000:]
            time.sleep(0.2)

    def due(self) -> int:
        return self.count("SELECT count(*) FROM catalog_outboxentry WHERE parked_at IS NULL")

    def indexed(self) -> int:
        """Products that came and left the outbox."""
        return self.count("SELECT count(*) FROM catalog_product") - self.due()


_pairs = itertools.count()  # of Redis' databases


def _real_parts() -> dict[str, str]:
    """Database, cache and queue of one shop's own, where the run has a PostgreSQL and a Redis (tests/real_parts.py)."""
    if "TESTS_REDIS" not in os.environ:
        return {}
    import psycopg
    import redis

    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    name = f"shop_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {os.environ['TESTS_TEMPLATE']}")  # type: ignore[arg-type]
    queues, _, number = os.environ["CELERY_BROKER_URL"].rpartition("/")
    own = int(number) + 1 + 2 * (next(_pairs) % (REDIS_DATABASES // 2 - 1))
    for each in (own, own + 1):
        redis.Redis.from_url(f"{queues}/{each}").flushdb()  # an earlier shop had it
    return {
        "DATABASE_URL": f"{server}/{name}",
        "CACHE_URL": f"rediscache://{os.environ['TESTS_REDIS']}/{own}",
        "CELERY_BROKER_URL": f"{queues}/{own + 1}",
    }


@cache
def _migrated() -> Path:
    """An SQLite database on which all migrations were run; each shop begins with a copy."""
    home = Path(tempfile.mkdtemp(prefix="vetrina-migrated-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    Installation(home).manage("migrate", "--verbosity", "0")
    return home / "vetrina.sqlite3"


@contextlib.contextmanager
def installation(home: Path, **settings: str) -> Iterator[Installation]:
    """`settings`: environment variables."""
    own = _real_parts()
    shop = Installation(home, settings=own | settings)
    compiled = ROOT / "var" / "models"  # networks are compiled once a machine, not once a test
    compiled.mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to(compiled)
    try:
        if settings.get("DATABASE_URL"):
            shop.manage("migrate", "--verbosity", "0")
        elif not own:
            shutil.copyfile(_migrated(), home / "vetrina.sqlite3")
        yield shop
    finally:
        shop.kill_worker()
        shop.kill_vectord()
