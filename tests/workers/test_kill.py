"""Nothing is lost and nothing is double when processes die: the worker, vectord, or both, at random moments.

As a script it says what happened: `python tests/workers/test_kill.py --products 19406 --seed 1`.
"""

import argparse
import contextlib
import gzip
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = 20
VICTIMS = ("worker", "vectord", "both")
ELECTRONICS = ROOT.parent / "shared" / "data" / "electronics" / "products.jsonl.gz"


@dataclass
class Installation:
    """A shop in a folder of its own, run by real processes."""

    home: Path
    worker: subprocess.Popen[bytes] | None = None
    kills: Counter[str] = field(default_factory=Counter)
    # How many products were imported and not yet indexed at each kill.
    due_at_kills: list[int] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
            "DJANGO_SETTINGS_MODULE": "vetrina.settings",
            "VETRINA_HOME": str(self.home),
            "OUTBOX_BATCH": "64",
            "OUTBOX_LEASE_SECONDS": "10",
            "OUTBOX_SWEEP_SECONDS": "1",
        }

    def manage(self, *arguments: str, check: bool = True) -> dict[str, Any]:
        """Run a command with --json to its end; returns the JSON of its last line, {} if there is none."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
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
        with contextlib.closing(sqlite3.connect(self.home / "vetrina.sqlite3", timeout=60)) as database:
            return int(database.execute(sql).fetchone()[0])

    def due(self) -> int:
        return self.count("SELECT count(*) FROM catalog_outboxentry WHERE parked_at IS NULL")

    def indexed(self) -> int:
        """Products that came and left the outbox."""
        return self.count("SELECT count(*) FROM catalog_product") - self.due()


@contextlib.contextmanager
def installation(home: Path) -> Iterator[Installation]:
    shop = Installation(home)
    compiled = ROOT / "var" / "models"  # networks are compiled once a machine, not once a test
    compiled.mkdir(parents=True, exist_ok=True)
    (home / "models").symlink_to(compiled)
    try:
        shop.manage("migrate", "--verbosity", "0")
        yield shop
    finally:
        shop.kill_worker()
        shop.kill_vectord()


def head_of_catalogue(count: int, target: Path) -> None:
    with gzip.open(ELECTRONICS, "rt", encoding="utf-8") as rows:
        target.write_text("".join(islice(rows, count)), encoding="utf-8")


def torture(shop: Installation, catalogue: Path, *, total: int, seed: int) -> None:
    """Import while the worker indexes, and kill KILLS times, each time after a random share of the work.

    Progress and not the clock times the kills: so they all fall into the work, on a fast machine as on a slow one.
    """
    chance = random.Random(seed)
    shop.start_worker()
    importing = subprocess.Popen(
        [sys.executable, "manage.py", "import_catalog", str(catalogue), "--json"],
        cwd=ROOT,
        env=shop.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(KILLS)]
    chance.shuffle(victims)
    goals = sorted(chance.uniform(0, 0.95 * total) for _ in victims)
    for victim, goal in zip(victims, goals, strict=True):
        while shop.indexed() < goal:
            time.sleep(0.1)
        time.sleep(chance.uniform(0, 2))
        shop.kill(victim)
    assert importing.wait() == 0


def finish(shop: Installation) -> dict[str, Any]:
    """Let the worker end its work, then compare; returns what `check_index` says."""
    shop.manage("embed", "--workers", "--json")
    return shop.manage("check_index", "--json", check=False)


@pytest.mark.slow
@pytest.mark.data
def test_nothing_is_lost_by_twenty_kills(tmp_path: Path, shared_data: Path) -> None:
    total = 1200
    head_of_catalogue(total, tmp_path / "electronics.jsonl")
    with installation(tmp_path) as shop:
        torture(shop, tmp_path / "electronics.jsonl", total=total, seed=2026)
        found = finish(shop)
    assert sum(shop.kills.values()) == KILLS
    assert sum(due > 0 for due in shop.due_at_kills) >= KILLS - 2, "the kills should fall into the work"
    differences = {"missing": 0, "stale": 0, "orphaned": 0, "waiting": 0, "parked": 0}
    assert found == {"products": total, "indexed": total} | differences


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=19406)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, installation(Path(folder)) as shop:
        head_of_catalogue(arguments.products, shop.home / "electronics.jsonl")
        started = time.monotonic()
        torture(shop, shop.home / "electronics.jsonl", total=arguments.products, seed=arguments.seed)
        found = finish(shop)
        print(f"{dict(shop.kills)}, due at the kills: {shop.due_at_kills}; {time.monotonic() - started:.0f} s")
        print(json.dumps(found))


if __name__ == "__main__":
    main()
