"""Builds the demo shop as a directory in the import format.

    products.jsonl     one product a line, as `import_catalog` reads it
    images/            their pictures
    promotions.jsonl   collections.jsonl   brands.jsonl   stores.jsonl
    ATTRIBUTION.txt    where pictures and names come from

The same seed, month and version give the same bytes, so that loading it again leaves unchanged rows untouched.
"""

import json
import multiprocessing
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from catalog.demo import assortment, labels, offers, packages
from catalog.demo.pictures import Shoot, Shots, shoot
from catalog.demo.products import Maker

PROCESSES = 2
SECOND_VIEW_SHARE = 0.3
SIBLINGS = (2, 2, 3, 3, 4)  # how many other colours a family gets, drawn from these
MARK = "ATTRIBUTION.txt"

Progress = Callable[[int, int], None]


class ShopError(Exception):
    """The shop cannot be built where it was asked for; the message says why."""


@dataclass(frozen=True)
class Summary:
    """What was built: items are pictures that became products, products counts each colour."""

    items: int
    products: int
    families: int
    variants: int
    images: int
    categories: int
    brands: int
    stores: int
    promotions: int
    collections: int


def monday_of(day: date) -> date:
    """The day that dates count from: some products are always new, and within a week a seed gives the same bytes."""
    return day - timedelta(days=day.weekday())


def build(
    directory: Path,
    packages_directory: Path,
    seed: int = 7,
    *,
    today: date | None = None,
    progress: Progress = lambda done, total: None,
    processes: int = PROCESSES,
) -> Summary:
    """Write the demo shop to `directory`, replacing an earlier one as a whole; takes about half a minute.

    `packages_directory` is what `packages.fetch` filled. Dates count from the Monday of `today`'s week. `progress`
    hears (items photographed, all items). Raises ShopError if `directory` holds anything but a demo shop, and
    PackageError if the packages are not there.
    """
    if directory.exists() and any(directory.iterdir()) and not (directory / MARK).is_file():
        raise ShopError(f"{directory} is not empty and holds no demo shop; name another directory.")
    items = assortment.items()
    labelled = labels.read(packages_directory, {item.label for item in items})
    work = directory.with_name(f"{directory.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    (work / "images").mkdir(parents=True)

    shots = _photograph(
        [_job(item, labelled[item.label], seed) for item in items], work / "images", progress, processes
    )
    maker = Maker(seed, monday_of(today or date.today()), count(1))
    rows: list[dict[str, Any]] = []
    skus: dict[str, list[str]] = {}
    for item, shot in zip(items, shots, strict=True):
        of_item = list(maker.rows(item, labelled[item.label], shot))
        skus[item.label] = [row["sku"] for row in of_item]
        rows += of_item
    promotions, collections = offers.promotions(maker.today, skus), offers.collections(skus)

    _write(work / "products.jsonl", rows)
    _write(work / "promotions.jsonl", promotions)
    _write(work / "collections.jsonl", collections)
    _write(work / "brands.jsonl", ({"name": b.name, "description": b.description} for b in assortment.brands()))
    _write(work / "stores.jsonl", ({"name": s.name, "description": s.description} for s in assortment.stores()))
    (work / MARK).write_text(_attribution(), encoding="utf-8")
    if directory.exists():
        shutil.rmtree(directory)
    work.replace(directory)
    return Summary(
        items=len(items),
        products=len(rows),
        families=len({row["family"] for row in rows if row["family"]}),
        variants=sum(len(row["variants"]) for row in rows),
        images=sum(len(row["images"]) for row in rows),
        categories=len({row["category"] for row in rows}),
        brands=len({row["brand"] for row in rows}),
        stores=len({row["store"] for row in rows}),
        promotions=len(promotions),
        collections=len(collections),
    )


def _job(item: assortment.Item, labelled: labels.Labelled, seed: int) -> Shoot:
    chance = random.Random(f"{seed}/{item.label}/pictures")  # noqa: S311 - a seeded generator is the point
    return Shoot(
        stem=labelled.code.lower(),
        picture=labelled.picture,
        seed=f"{seed}/{item.label}/shots",
        siblings=chance.choice(SIBLINGS) if item.colours else 0,
        second_view=chance.random() < SECOND_VIEW_SHARE,
    )


def _photograph(jobs: list[Shoot], folder: Path, progress: Progress, processes: int) -> list[Shots]:
    def counted(shots: Iterable[Shots]) -> Iterator[Shots]:
        for done, shot in enumerate(shots, start=1):
            progress(done, len(jobs))
            yield shot

    one = partial(shoot, folder=folder)
    if processes == 1:
        return list(counted(map(one, jobs)))
    # Spawned, not forked: the caller may have threads running, of a model or a database.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(counted(pool.map(one, jobs, chunksize=8)))


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _attribution() -> str:
    return (
        "This catalogue is generated; its brands, stores, prices and offers are invented.\n"
        f"Pictures: {packages.PICTURES.spec} (MIT), Microsoft's Fluent Emoji in 3-D; some are recoloured.\n"
        f"Names and tags: {packages.NAMES.spec} (MIT), from Unicode CLDR.\n"
    )
