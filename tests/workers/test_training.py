"""The real training worker: it is killed in the middle of a training, and another goes on where it was."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.workers.installation import ROOT, Installation, installation

pytestmark = [pytest.mark.slow, pytest.mark.parts]
MODEL = {"dim": 16, "layers": 1, "epochs": 40, "patience": 40, "negatives": 32}
# Shoppers walk along rings of six products.
EVENTS = """
import uuid, random
from datetime import timedelta
from django.utils import timezone
from catalog.models import Product
from recommend.events.models import Event, Shopper
chance = random.Random(5)
products = list(Product.objects.order_by("id"))
rows = []
for number, shopper in enumerate(Shopper.objects.bulk_create([Shopper() for _ in range(600)])):
    ring, place = number % 10, chance.randrange(6)
    begin = timezone.now() - timedelta(days=20 - number / 40)
    for step in range(5):
        product = products[ring * 6 + (place + step) % 6]
        at = begin + timedelta(minutes=step)
        key = uuid.UUID(int=chance.getrandbits(128))
        rows.append(Event(event_id=key, kind="view", shopper=shopper, product=product, happened_at=at))
Event.objects.bulk_create(rows, batch_size=500)
"""


def start_trainer(shop: Installation) -> subprocess.Popen[bytes]:
    with (shop.home / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "vetrina", "worker", "-P", "solo", "-Q", "train", "-n", "train@%h"],
            cwd=shop.home, env=shop.environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def kill(trainer: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(trainer.pid, signal.SIGKILL)
    trainer.wait()


def run_row(shop: Installation) -> dict[str, object]:
    row = shop.row("SELECT state, CAST(progress AS text) FROM recommend_trainingrun ORDER BY id LIMIT 1")
    return {"state": row[0], **json.loads(row[1])} if row else {"state": "none"}


def weights(shop: Installation, part: str) -> list[dict[str, np.ndarray]]:
    """Of the versions in the order in which they were made."""
    folders = sorted(path for path in (shop.home / "recommenders").iterdir() if (path / part).is_dir())
    return [
        {f"{file.relative_to(folder)}:{name}": array for file in sorted((folder / part).rglob("*.safetensors"))
         for name, array in load_file(file).items()}
        for folder in folders
    ]  # fmt: skip


def test_a_training_that_was_killed_is_finished_by_another_worker_and_ends_the_same(tmp_path: Path) -> None:
    catalogue = tmp_path / "products.jsonl"
    rows = [{"sku": f"P{n}", "title": f"Thing {n % 6} of ring {n // 6}", "price": 5 + n} for n in range(60)]
    catalogue.write_text("".join(json.dumps(row) + "\n" for row in rows))
    environment = {
        "RECOMMENDER": "transformer", "RECOMMENDER_CONFIG": json.dumps(MODEL),
        "TRAIN_LEASE_SECONDS": "6", "TRAIN_EVERY_HOURS": "0",
    }  # fmt: skip
    with installation(tmp_path, **environment) as shop:
        shop.manage("import_catalog", str(catalogue), "--json")
        shop.manage("embed", "--json")
        subprocess.run([sys.executable, "manage.py", "shell", "-c", EVENTS], cwd=ROOT, env=shop.environment, check=True)
        trainer = start_trainer(shop)
        waiting = subprocess.Popen(
            [sys.executable, "manage.py", "train_recommender", "--full", "--seed", "4", "--workers", "--json"],
            cwd=ROOT, env=shop.environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            shop.wait_for(lambda: "transformer" in str(run_row(shop).get("stage")) and run_row(shop)["step"] >= 1)
            kill(trainer)
            assert run_row(shop)["state"] == "running"
            trainer = start_trainer(shop)
            shop.wait_for(lambda: run_row(shop)["state"] not in ("running", "waiting"))
            answer = json.loads(waiting.communicate(timeout=120)[0].splitlines()[-1])
        finally:
            kill(trainer)
            waiting.kill()
        assert answer["state"] == "published", answer
        assert answer["new"]["hr@10"] > 0.8
        assert run_row(shop)["attempts"] == 2
        assert shop.manage("check_index", "--json")["companions"][0]["indexed"] == 60
        # The same again without a kill.
        command = [sys.executable, "manage.py", "train_recommender", "--full", "--seed", "4", "--json"]
        # Begun as the worker was: the order in which libraries are loaded shows in the last digits.
        done = subprocess.run(command, cwd=ROOT, env=shop.environment, stdout=subprocess.PIPE, text=True, check=True)
        again = json.loads(done.stdout.splitlines()[-1])
        assert again["new"]["ndcg@10"] == pytest.approx(answer["new"]["ndcg@10"], abs=1e-5)
        killed, whole = weights(shop, "measured")
        assert killed.keys() == whole.keys()
        for name in killed:
            np.testing.assert_allclose(killed[name], whole[name], atol=1e-6, err_msg=name)
