"""The judges of the long proofs, and short versions of these.

What is marked `endurance` runs real servers and workers for a minute or two: `pytest -m endurance tests/reliability`.
`make kills`, `make reembed-live` and `make soak` are the long ones.
"""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog import services
from catalog.models import OutboxEntry, Product
from search.index import filling
from search.index.compare import compare_all
from search.index.drain import drain_once
from search.index.live import alias_target, live_collection
from tests.reliability import kills, reembed
from tests.reliability.models_told import told
from tests.reliability.processes import Usage
from tests.reliability.site import site
from tests.reliability.soak import verdict

KINDS = ("chair", "lamp", "table", "mirror", "shelf", "carpet")
COLOURS = ("red", "blue", "green", "white", "black")


def rows(count: int) -> list[dict[str, Any]]:
    """Products in the import format, whose titles are all different."""
    return [
        {
            "sku": f"S{number}",
            "title": f"{COLOURS[number % 5]} {KINDS[number % 6]} of series {number // 30} number {number}",
            "price": 10 + number,
            "brand": f"Brand {number % 7}",
        }
        for number in range(count)
    ]


def settled() -> bool:
    return not OutboxEntry.objects.filter(parked_at=None).exists() and not filling.is_filling()


def drained_once() -> None:
    OutboxEntry.objects.filter(claimed_by="").update(available_at=timezone.now() - timedelta(seconds=1))
    drain_once()


def asked(client: Client, **query: str) -> list[tuple[str, float]]:
    """The cosines of a search's hits, by sku; it must succeed, and find something."""
    answer = client.get("/api/v1/search", {"explain": "true", "understand": "false", "facets": "none"} | query)
    assert answer.status_code == 200
    body = answer.json()
    assert body["hits"]
    assert not body["query"]["degraded"]
    return [(hit["sku"], hit["explanation"]["text"]["score"]) for hit in body["hits"] if "text" in hit["explanation"]]


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("quick_encoders", "vector_store")
def test_every_answer_is_of_one_model_all_through_a_change_with_writes(settings, client, monkeypatch, tmp_path):
    monkeypatch.setattr(filling, "PORTION", 100)
    monkeypatch.setattr(filling, "LOW_WATER", 30)
    monkeypatch.setattr("search.index.live.CACHED_SECONDS", 0.0)
    settings.OUTBOX_BATCH = 32
    products = []
    for row in rows(300):
        row.pop("brand")
        products.append(Product(**row, status=Product.Status.PUBLISHED))
        services.save_product(products[-1])
    while not settled() or alias_target() is None:
        drained_once()
    first = live_collection().name

    observations, titles, steps = [], {}, 0
    settings.ENCODERS = settings.ENCODERS | {"text": {**settings.ENCODERS["text"], "OPTIONS": {"seed": 7}}}
    filling.ensure_current()
    while not settled():
        product = products[steps * 7 % len(products)]
        titles.setdefault(product.sku, [product.title])
        product.title = f"{product.title} edition {steps}"
        titles[product.sku].append(product.title)
        services.save_product(product)
        drained_once()
        for words in (products[steps % 300].title, KINDS[steps % 6]):
            for mode in ("hybrid", "semantic"):
                found = asked(client, q=words, mode=mode)
                observations.append({"at": steps, "words": words, "anchor": "", "scores": found})
        steps += 1
    drained_once()
    observations.append({"at": steps, "words": "lamp", "anchor": "", "scores": asked(client, q="lamp")})
    assert live_collection().name != first
    assert compare_all(alias_target()).clean
    path = tmp_path / "observations.json"
    path.write_text(json.dumps({"observations": observations, "titles": titles}))
    answers = told(str(path))["answers"]
    assert answers.get("mixed", 0) == 0
    assert answers["hashed-words-0"] > 10
    assert answers["hashed-words-7"] >= 1

    # And what would be mixed is found: an answer whose first hit is scored by the one model, the others by the other.
    before = next(each for each in observations if each["words"] == "lamp")
    after = dict(observations[-1]["scores"])
    (sku, _), *others = [(sku, score) for sku, score in before["scores"] if sku in after]
    before["scores"] = [(sku, after[sku]), *others]
    path.write_text(json.dumps({"observations": [before], "titles": titles}))
    assert told(str(path))["answers"] == {"mixed": 1}


def usages(
    own: Any = lambda minute: 300, descriptors: Any = lambda minute: 40, files: Any = lambda minute: 50
) -> list[tuple[float, Usage]]:
    noise = Random(1)
    found = []
    for at in (number / 6 for number in range(180)):
        anonymous = own(at) + noise.uniform(-4, 4)
        open_files = descriptors(at) + noise.randint(-2, 2)
        found.append((at, Usage(400, anonymous + files(at), open_files, 12, anonymous)))
    return found


def test_what_is_flat_is_steady():
    assert verdict(usages())["steady"]


def test_what_was_loaded_in_the_first_third_is_no_leak():
    assert verdict(usages(own=lambda minute: min(300, 100 + 25 * minute)))["steady"]


def test_pages_of_mapped_files_are_told_and_not_judged():
    found = verdict(usages(files=lambda minute: 2 * minute))
    assert found["steady"]
    assert found["pss"]["growth_by_slope"] > 30


@pytest.mark.parametrize(
    "leak",
    [{"own": lambda minute: 300 + minute}, {"descriptors": lambda minute: 40 + minute / 4}],
    ids=["memory", "descriptors"],
)
def test_what_grows_all_the_time_is_not_steady(leak):
    assert not verdict(usages(**leak))["steady"]


def test_each_victim_is_killed_as_often_as_its_weight_says():
    assert Counter(kills.victims(100, Random(3))) == dict(zip(kills.VICTIMS, kills.WEIGHTS, strict=True))


@pytest.mark.endurance
@pytest.mark.own_parts
def test_updates_survive_kills(tmp_path: Path) -> None:
    with site(tmp_path, production=False) as shop:
        catalogue = written(tmp_path)
        found = kills.prove(shop, catalogue, updates=300, kills=6, seed=5)
    assert found["passed"], found


@pytest.mark.endurance
@pytest.mark.own_parts
def test_a_new_model_while_shoppers_search(tmp_path: Path) -> None:
    with site(tmp_path, production=False) as shop:
        found = reembed.prove(shop, written(tmp_path), searched=40)
    assert found["passed"], found


def written(folder: Path) -> Path:
    path = folder / "products.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(300)), encoding="utf-8")
    return path
