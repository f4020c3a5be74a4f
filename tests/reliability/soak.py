"""Mixed load with imports going on for half an hour: memory, descriptors and threads of every process, and latency.

`python -m tests.reliability.soak --minutes 30` runs it on PostgreSQL and Redis and prints what it saw as JSON. A figure
is steady where its slope over the last two thirds of the time (of Theil and Sen, which single outliers do not move)
stays within a tolerance; see `verdict`. Before it, --warm minutes of the same load at a higher rate fill what each
process remembers of queries and products, and show it every kind of work. The exit code is 1 where memory, descriptors
or threads of a process are not, where a request or an import failed, or where `check_index` finds a difference.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scipy.stats import theilslopes

from tests.reliability.kills import PARKED, head_of_catalogue
from tests.reliability.load import Load, Product
from tests.reliability.plotting import svg
from tests.reliability.processes import Usage, processes_of, usage_of
from tests.reliability.reporting import is_clean, run
from tests.reliability.site import ROOT, Site

PLOT = ROOT / "docs" / "images" / "soak.svg"
SAMPLED_SECONDS = 10.0
IMPORT_SECONDS = 180.0  # between two imports
IMPORTED = 1000  # products in each
WARM_RATE = 20.0  # requests a second
# What a figure may grow by, by its slope, over the last two thirds of the time.
MEMORY_SHARE, MEMORY_MB = 0.05, 10.0  # whichever is more
DESCRIPTORS, THREADS = 3.0, 2.0
LATENCY_SHARE = 0.25  # of the median

STAFF = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser("soak", "soak@shop.example", "of this hour alone 7")
"""
PRODUCTS = """
from catalog.models import Product
result = [[p.sku, p.slug, p.title, p.brand.slug if p.brand else ""]
          for p in Product.objects.filter(status="published").select_related("brand")]
"""
# All that the schedule asks of the I/O worker, several at once, so that each of its processes does each in the warm-up
# and not, by chance, one of them for the first time in the middle of what is measured.
EVERY_TASK = """
from celery import current_app
from django.conf import settings
current_app.loader.import_default_modules()
names = [entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()]
result = [name for name in names if name not in settings.CELERY_TASK_ROUTES]
for name in result:
    for _ in range(4):
        current_app.tasks[name].apply_async()
"""
EVERY_TASK_SECONDS = 60.0


class Importing:
    """Imports of a changed part of the catalogue, one after the other."""

    def __init__(self, shop: Site, products: list[Product]) -> None:
        self.shop, self.products = shop, products
        self.running: subprocess.Popen[bytes] | None = None
        self.codes: list[int] = []
        self._due = time.monotonic() + 30

    def tend(self) -> None:
        if self.running is not None and self.running.poll() is not None:
            self.codes.append(self.running.returncode)
            self.running = None
        if self.running is None and time.monotonic() > self._due:
            self._due = time.monotonic() + IMPORT_SECONDS
            self._start()

    def _start(self) -> None:
        chance = random.Random(len(self.codes))
        path = self.shop.home / f"import-{len(self.codes)}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for product in chance.sample(self.products, min(IMPORTED, len(self.products))):
                row = {"sku": product.sku, "price": f"{chance.randint(100, 99_999) / 100:.2f}", "stock": 50}
                if chance.random() < 0.3:
                    row["title"] = f"{product.title[:150]} import {len(self.codes)}"
                file.write(json.dumps(row) + "\n")
        with (self.shop.home / "imports.log").open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "manage.py", "import_catalog", str(path), "--json"], cwd=ROOT,
                env=self.shop.environment, stdout=log, stderr=log,
            )  # fmt: skip

    def finish(self) -> None:
        if self.running is not None:
            self.codes.append(self.running.wait())


def soak(shop: Site, *, minutes: float, products: int, rate: float, warm: float) -> dict[str, Any]:
    """`rate`: requests a second. `warm`: minutes before the others, of which only the failures count."""
    shop.manage("import_catalog", str(head_of_catalogue(products, shop.home)), "--json")
    shop.manage("embed", "--json")
    shop.ask(STAFF)
    shop.add_web()
    shop.add_workers()
    known = [Product(*row) for row in shop.ask(PRODUCTS)]
    staff, key = ("soak", "of this hour alone 7"), shop.api_key()
    importing = Importing(shop, known)
    warming = Load(shop.url, key, staff, known, WARM_RATE)
    warming.start()
    cold = next_tasks = time.monotonic()
    while time.monotonic() < cold + warm * 60:
        if time.monotonic() > next_tasks:
            shop.ask(EVERY_TASK)
            next_tasks += EVERY_TASK_SECONDS
        importing.tend()
        time.sleep(1)
    warming.stop()
    load = Load(shop.url, key, staff, known, rate)
    load.start()
    started = time.monotonic()
    samples: dict[str, list[tuple[float, Usage]]] = defaultdict(list)
    pids: dict[str, int] = {}
    replaced: list[str] = []
    while (now := time.monotonic()) < started + minutes * 60:
        for name, pid in processes_of(shop).items():
            if pids.setdefault(name, pid) != pid:
                replaced.append(name)
                pids[name] = pid
            if usage := usage_of(pid):
                samples[name].append(((now - started) / 60, usage))
        importing.tend()
        time.sleep(max(0.0, SAMPLED_SECONDS - (time.monotonic() - now)))
    load.stop()
    importing.finish()
    shop.wait_for(lambda: not shop.due(), 600)
    found = shop.manage("check_index", "--json", check=False)
    timings = [((at - started) / 60, kind, seconds) for at, kind, seconds in load.timings]
    (shop.home / "samples.json").write_text(
        json.dumps({name: [[at, asdict(usage)] for at, usage in each] for name, each in samples.items()})
    )
    judged = {name: verdict(each) for name, each in samples.items()}
    latency = _latency(timings)
    return {
        "minutes": minutes,
        "warm": {"minutes": warm, "requests": warming.asked.total(), "failed": warming.failed[:5]},
        "products": len(known),
        "requests": dict(load.asked) | {"all": load.asked.total()},
        "requests_a_second": round(load.asked.total() / minutes / 60, 2),
        "began_late": load.late,
        "failed": len(load.failed),
        "turned_away": +load.turned_away,
        "examples": load.failed[:5],
        "imports": importing.codes,
        "processes": judged,
        "replaced": replaced,
        "latency_ms": latency,
        "check_index": found,
        "parked": shop.ask(PARKED),
        "passed": all(each["steady"] for each in judged.values())
        and not (load.failed or warming.failed)
        and not any(importing.codes)
        and is_clean(found),
        "_samples": samples,
        "_timings": timings,
    }


def verdict(samples: list[tuple[float, Usage]]) -> dict[str, Any]:
    """How memory, descriptors and threads of a process went over the last two thirds, and whether that is steady.

    Memory is what no file stands behind. PSS is told beside it: pages of mapped files are in it, as those of the log
    that vectord writes ahead, 32 MB at a time, which the kernel takes back when it needs room.

    Memory may grow by MEMORY_SHARE or MEMORY_MB, descriptors by DESCRIPTORS, threads by THREADS, over all of that time.
    """
    later, last = samples[len(samples) // 3 :], samples[2 * len(samples) // 3 :]
    told: dict[str, Any] = {"samples": len(samples)}
    steady = len(later) > 2
    for name, allowed in (("own", None), ("descriptors", DESCRIPTORS), ("threads", THREADS)):
        values = [getattr(usage, name) for _, usage in later]
        grown = _growth([(at, getattr(usage, name)) for at, usage in later])
        allowed = max(MEMORY_MB, MEMORY_SHARE * statistics.median(values)) if allowed is None else allowed
        told[name] = {"first": values[0], "last": values[-1], "most": max(values), "growth_by_slope": round(grown, 2)}
        # For who wants to tell what is still being filled (a cache) from what never ends.
        told[name]["of_it_in_the_last_third"] = round(_growth([(at, getattr(usage, name)) for at, usage in last]), 2)
        steady &= grown <= allowed
    told["pss"] = {
        "last": later[-1][1].pss,
        "growth_by_slope": round(_growth([(at, usage.pss) for at, usage in later]), 2),
    }
    return told | {"steady": bool(steady)}


def _growth(points: list[tuple[float, float]]) -> float:
    """By how much a line through the points rises from the first to the last of them."""
    if len(points) < 3:
        return 0.0
    times, values = zip(*points, strict=True)
    return float(theilslopes(values, times)[0]) * (times[-1] - times[0])


def _latency(timings: list[tuple[float, str, float]]) -> dict[str, Any]:
    later = timings[len(timings) // 3 :]
    medians = [(minute, y) for minute, y in _by_minute(timings, 50) if later and minute >= later[0][0]]
    grown = _growth(medians)
    median = statistics.median(seconds for _, _, seconds in later) * 1000
    kinds: dict[str, list[float]] = defaultdict(list)
    for _, kind, seconds in later:
        kinds[kind].append(seconds * 1000)
    return {
        "median": round(median),
        "p95": round(_percentile([seconds * 1000 for _, _, seconds in later], 95)),
        "growth_of_median_by_slope": round(grown, 1),
        "steady": grown <= LATENCY_SHARE * median,
        "by_kind_median_p95": {kind: [round(_percentile(each, 50)), round(_percentile(each, 95))]
                               for kind, each in sorted(kinds.items())},
    }  # fmt: skip


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else values[0]


def _by_minute(timings: list[tuple[float, str, float]], percent: int) -> list[tuple[float, float]]:
    """(middle of the minute, percentile in milliseconds)."""
    minutes: dict[int, list[float]] = defaultdict(list)
    for at, _, seconds in timings:
        minutes[int(at)].append(seconds * 1000)
    return [(minute + 0.5, _percentile(each, percent)) for minute, each in sorted(minutes.items())]


def table(processes: dict[str, dict[str, Any]]) -> str:
    """What `verdict` told of each process, in Markdown, below the plot."""
    lines = [
        f"![Memory, descriptors and latency]({PLOT.relative_to(ROOT / 'docs')})\n",
        "| process | MB at a third | at the end | most | rise by slope | in the last third "
        "| with files at the end | rise | descriptors | threads | |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, told in sorted(processes.items()):
        memory, pss, descriptors, threads = (told[each] for each in ("own", "pss", "descriptors", "threads"))
        lines.append(
            f"| {name} | {memory['first']} | {memory['last']} | {memory['most']} | {memory['growth_by_slope']:+} "
            f"| {memory['of_it_in_the_last_third']:+} | {pss['last']} | {pss['growth_by_slope']:+} "
            f"| {descriptors['first']} to {descriptors['last']} | {threads['first']} to {threads['last']} "
            f"| {'steady' if told['steady'] else '**grows**'} |"
        )
    return "\n".join(lines) + "\n\n"


def plot(figures: dict[str, Any], target: Path) -> None:
    samples, timings = figures["_samples"], figures["_timings"]
    panels = {
        "Memory without files, MB": {name: [(at, usage.own) for at, usage in each] for name, each in samples.items()},
        "Open descriptors": {name: [(at, usage.descriptors) for at, usage in each] for name, each in samples.items()},
        "Latency, ms": {f"p{percent}": _by_minute(timings, percent) for percent in (50, 95)},
    }
    target.write_text(svg("Memory, descriptors and latency over the soak test", panels), encoding="utf-8")


def _prove(shop: Site, arguments: argparse.Namespace) -> dict[str, Any]:
    figures = soak(
        shop, minutes=arguments.minutes, products=arguments.products, rate=arguments.rate, warm=arguments.warm
    )
    plot(figures, PLOT if arguments.write else shop.home / "soak.svg")
    return {name: value for name, value in figures.items() if not name.startswith("_")}


def _page(figures: dict[str, Any]) -> str:
    return table(figures.pop("processes"))


if __name__ == "__main__":
    sys.exit(run("soak", __doc__, _prove, _page, minutes=30.0, products=3000, rate=6.0, warm=8.0))
