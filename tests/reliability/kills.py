"""kill -9 at random moments over web, workers, schedule, vectord and Redis, while a client updates products.

`python -m tests.reliability.kills --updates 20000 --kills 100 --seed 1` runs it on PostgreSQL and Redis and prints what
happened as JSON. The exit code is 1 where an acknowledged update is not in the database, where the index is not level
within one sweep, or where `check_index` finds a difference.
"""

import argparse
import gzip
import random
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tests.reliability.reporting import is_clean, run
from tests.reliability.site import ROOT, Site
from tests.reliability.updates import Updater

ELECTRONICS = ROOT.parent / "shared" / "data" / "electronics" / "products.jsonl.gz"
SWEEP_SECONDS = 5  # OUTBOX_SWEEP_SECONDS
TURN_SECONDS = 20  # of one drain (workers.tasks.TURN_SECONDS)
# Seconds of updates for each kill. What is killed needs about that long to be at work again, and to kill what only
# starts would prove little.
SECONDS_PER_KILL = 5.5
VICTIMS = ("encode", "web", "vectord", "redis", "web process", "io", "beat")
# The encode worker, the web server, the store and the broker are where something could be lost.
WEIGHTS = (30, 15, 20, 15, 10, 5, 5)

VALUES = """
from catalog.models import Product
result = {p["sku"]: {"title": p["title"], "price": str(p["price"]), "stock": p["stock"]}
          for p in Product.objects.values("sku", "title", "price", "stock")}
"""
PARKED = """
from catalog.models import OutboxEntry
result = list(OutboxEntry.objects.exclude(parked_at=None).values_list("error", flat=True)[:20])
"""


def head_of_catalogue(count: int, folder: Path) -> Path:
    target = folder / "products.jsonl"
    with gzip.open(ELECTRONICS, "rt", encoding="utf-8") as rows:
        target.write_text("".join(islice(rows, count)), encoding="utf-8")
    return target


def victims(kills: int, chance: random.Random, *, redis: bool = True) -> Iterator[str]:
    """As many of each as its weight says, in a random order."""
    weights = [(victim, weight) for victim, weight in zip(VICTIMS, WEIGHTS, strict=True) if redis or victim != "redis"]
    chosen = [victim for victim, weight in weights for _ in range(weight)]
    full, rest = divmod(kills, len(chosen))
    every = chosen * full + chance.sample(chosen, rest)
    chance.shuffle(every)
    yield from every


def kill(shop: Site, victim: str, chance: random.Random) -> None:
    """Kill what there is to kill: a victim that is just being started again is waited for."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        done = shop.kill_one_of("web", chance.choice) if victim == "web process" else shop.kill(victim)
        if done:
            return
        time.sleep(0.05)
    raise AssertionError(f"{victim} did not come back within ten minutes")


def torture(shop: Site, updater: Updater, *, kills: int, seed: int) -> list[int]:
    """Kill at random shares of the updates. Returns how many outbox entries were due at each kill."""
    chance = random.Random(seed)
    # The last one comes with the last updates, so that what it leaves has to be found by itself.
    goals = [*sorted(chance.uniform(0, 0.97 * updater.total) for _ in range(kills - 1)), 0.999 * updater.total]
    due = []
    updater.start()
    for victim, goal in zip(victims(kills, chance, redis=shop.redis), goals, strict=True):
        while updater.done < goal and updater.running:
            time.sleep(0.02)
        due.append(shop.due())
        kill(shop, victim, chance)
    return due


def prove(shop: Site, catalogue: Path, *, updates: int, kills: int, seed: int) -> dict[str, Any]:
    """Import, embed, update and kill; returns the figures."""
    shop.manage("import_catalog", str(catalogue), "--json")
    shop.manage("embed", "--json")
    shop.add_web()
    shop.add_workers()
    before = shop.ask(VALUES)
    titles = {sku: values["title"] for sku, values in before.items()}
    updater = Updater(shop.url, shop.api_key(), titles, updates, seconds=kills * SECONDS_PER_KILL, seed=seed)
    started = time.monotonic()
    due = torture(shop, updater, kills=kills, seed=seed)
    last_kill = time.monotonic()
    updater.finish()
    shop.wait_for(lambda: not shop.due(), 1200)
    level = time.monotonic()
    found = shop.manage("check_index", "--json", check=False)
    after = shop.ask(VALUES)
    lost = {
        sku: [values, after.get(sku)]
        for sku, values in updater.acknowledged.items()
        if after.get(sku, {}) != before[sku] | values
    }
    from_last = level - max(last_kill, updater.last_at)
    return {
        "products": len(before),
        "acknowledged": updater.done,
        "refused": len(updater.refused),
        "unacknowledged_tries": dict(updater.tries),
        "kills": dict(shop.kills),
        "kills_with_work_due": sum(number > 0 for number in due),
        "starts": {name: part.starts for name, part in shop.parts.items()},
        "minutes": round((level - started) / 60, 1),
        "lost_updates": len(lost),
        "lost_examples": dict(islice(lost.items(), 3)),
        "level_seconds_after_last_kill": round(level - last_kill, 1),
        "level_seconds_after_last_kill_and_update": round(from_last, 1),
        "check_index": found,
        "parked": shop.ask(PARKED),
        "passed": not lost and is_clean(found) and len(due) == kills and from_last <= SWEEP_SECONDS + TURN_SECONDS,
    }


def _prove(shop: Site, arguments: argparse.Namespace) -> dict[str, Any]:
    catalogue = head_of_catalogue(arguments.products, shop.home)
    return prove(shop, catalogue, updates=arguments.updates, kills=arguments.kills, seed=arguments.seed)


if __name__ == "__main__":
    sys.exit(run("kills", __doc__, _prove, products=2000, updates=20_000, kills=100, seed=1))
