"""Nothing is lost and nothing is double when processes die: the worker, vectord, or both, at random moments.

As a script it says what happened: `python -m tests.workers.test_kill --products 19406 --seed 1`.
"""

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.workers.installation import ROOT, Installation, installation

KILLS = 20
VICTIMS = ("worker", "vectord", "both")
ELECTRONICS = ROOT.parent / "shared" / "data" / "electronics" / "products.jsonl.gz"


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
        time.sleep(chance.uniform(0, 0.3))  # a worker that is up does the last of the work in a second
        while not shop.due() and importing.poll() is None:  # the worker is ahead of the import: there is nothing to hit
            time.sleep(0.02)
        shop.kill(victim)
    assert importing.wait() == 0


def finish(shop: Installation) -> dict[str, Any]:
    """Let the worker end its work, then compare; returns what `check_index` says."""
    shop.manage("embed", "--workers", "--json")
    return shop.manage("check_index", "--json", check=False)


@pytest.mark.slow
@pytest.mark.parts
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
