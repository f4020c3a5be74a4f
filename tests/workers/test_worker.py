"""The real Celery worker: it indexes, another replaces it, and it gives up on what cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.workers.installation import Installation, installation

pytestmark = [pytest.mark.slow, pytest.mark.parts]
CLEAN = {"missing": 0, "stale": 0, "orphaned": 0, "waiting": 0, "parked": 0}


def catalogue(folder: Path, count: int, **fields: Any) -> Path:
    folder.mkdir(exist_ok=True)
    rows = [{"sku": f"C-{n}", "title": f"Wooden chair number {n}", "price": 10 + n} | fields for n in range(count)]
    (folder / "products.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def claimed(shop: Installation) -> int:
    return shop.count("SELECT count(*) FROM catalog_outboxentry WHERE claimed_by <> ''")


def test_what_is_imported_is_indexed_by_the_worker(tmp_path):
    with installation(tmp_path) as shop:
        shop.start_worker()
        shop.manage("import_catalog", str(catalogue(tmp_path / "in", 5)), "--json")
        shop.wait_for(lambda: shop.due() == 0)
        assert shop.manage("check_index", "--json") == {"products": 5, "indexed": 5} | CLEAN
        # A message that no nudge announced is found by the sweep.
        shop.execute(
            "UPDATE catalog_product SET status = 'archived' WHERE sku = 'C-0'",
            "INSERT INTO catalog_outboxentry"
            " (shop_id, product_id, token, created_at, available_at, claimed_by, attempts, error)"
            " SELECT shop_id, id, '0123456789abcdef0123456789abcdef', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, '', 0, ''"
            " FROM catalog_product WHERE sku = 'C-0'",
        )
        shop.wait_for(lambda: shop.due() == 0)
        assert shop.manage("check_index", "--json") == {"products": 4, "indexed": 4} | CLEAN


def test_another_worker_takes_over_what_a_killed_one_had_claimed(tmp_path):
    with installation(tmp_path) as shop:
        shop.manage("import_catalog", str(catalogue(tmp_path / "in", 400)), "--json")
        shop.start_worker()
        shop.wait_for(lambda: claimed(shop) > 0)
        shop.kill_worker()
        left = claimed(shop)
        assert left > 0
        shop.start_worker()
        shop.wait_for(lambda: shop.due() == 0)
        assert shop.manage("check_index", "--json") == {"products": 400, "indexed": 400} | CLEAN


def test_a_product_that_cannot_be_indexed_is_parked_and_the_others_are_not_held_up(tmp_path):
    folder = catalogue(tmp_path / "in", 3, image="images/red.png")
    (folder / "images").mkdir()
    Image.new("RGB", (80, 80), "red").save(folder / "images" / "red.png")
    Image.new("RGB", (80, 80), "blue").save(folder / "images" / "blue.png")
    rows = [json.loads(line) for line in (folder / "products.jsonl").read_text().splitlines()]
    rows[1]["image"] = "images/blue.png"
    (folder / "products.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with installation(tmp_path, OUTBOX_MAX_ATTEMPTS="2") as shop:
        shop.manage("import_catalog", str(folder), "--json")
        (name,) = shop.row(
            "SELECT file FROM catalog_picture JOIN catalog_product p ON p.id = product_id WHERE sku = 'C-1'"
        ) or ("",)
        (tmp_path / "media" / name).unlink()
        shop.start_worker()
        shop.wait_for(lambda: shop.due() == 0)
        found = shop.manage("check_index", "--json", check=False)
        assert found == CLEAN | {"products": 3, "indexed": 2, "missing": 1, "parked": 1}
        attempts, error = shop.row("SELECT attempts, error FROM catalog_outboxentry") or (0, "")
        assert attempts == 2
        assert "is missing" in error
