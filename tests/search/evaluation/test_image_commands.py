"""`finetune` and `evaluate_images`, end to end on a small made-up catalogue of coloured shapes."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image, ImageDraw
from qdrant_client import QdrantClient

from catalog import services
from catalog.models import Product
from catalog.pictures import add_picture
from search.encoders.registry import current_spec
from search.index.live import live_collection
from search.models import EncoderVersion
from tests.nursery import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SHAPES = {"ellipse": "ball", "rectangle": "box"}
COLOURS = {"Red": (200, 30, 40), "Blue": (40, 80, 200), "Green": (40, 160, 80), "Yellow": (230, 200, 40)}
BACKEND = "search.encoders.bundled.BundledJointEncoder"
FIGURES = {"image_to_image_p@10", "text_to_image_r@10", "category_map", "composed_p@10", "picture_alone_p@10"}
NAMES = "Arlo Bente Cato Dina Espen Frida Gorm Hanna Idar Jorun Kaia Leif".split()  # noqa: SIM905


def drawn(shape: str, colour: tuple[int, int, int], step: int) -> bytes:
    image = Image.new("RGB", (96, 96), "white")
    getattr(ImageDraw.Draw(image), shape)((8 + step, 12, 84, 88 - step), fill=colour)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def rows() -> list[tuple[str, str, str, str, bytes]]:
    """sku, title, kind, colour and picture; a name's colours are one family."""
    return [
        (f"{name}-{shape}-{colour}", f"{name} {colour} {kind}", kind, colour, drawn(shape, value, step))
        for step, name in enumerate(NAMES)
        for shape, kind in SHAPES.items()
        for colour, value in COLOURS.items()
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    with (tmp_path / "products.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["sku", "title", "product_type", "colour", "image"])
        for sku, title, kind, colour, picture in rows():
            (tmp_path / "images" / f"{sku}.png").write_bytes(picture)
            out.writerow([sku, title, kind, colour, f"images/{sku}.png"])
        out.writerow(["broken", "Broken box", "box", "Red", "images/broken.png"])
        out.writerow(["outside", "Outside box", "box", "Red", "../../etc/hostname"])
    (tmp_path / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    return tmp_path


@pytest.fixture(autouse=True)
def _encoder(settings: Any, encoder_cache: Path, tmp_path: Path) -> None:
    settings.ENCODERS = settings.ENCODERS | {"image": {"BACKEND": BACKEND, "OPTIONS": {}}}
    settings.ENCODER_CACHE = encoder_cache
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(scope="session")
def encoder_cache() -> Path:
    """Networks are compiled once a machine, not once a run."""
    compiled = ROOT / "var" / "models"
    compiled.mkdir(parents=True, exist_ok=True)
    return compiled


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    call_command(*arguments, "--json", verbosity=0)
    report: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return report


def test_a_fit_to_a_folder_reports_on_unseen_families_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = told(capsys, "finetune", "--data", str(folder), "--holdout")
    assert set(report["before"]) >= FIGURES
    assert set(report["before"]) == set(report["after"])
    assert (report["pictures"], report["unreadable"]) == (96, 1)
    assert report["held_out"] + report["fitted_to"] == 96
    assert report["train_seconds"] > 0
    assert report["after"]["text_to_image_r@10"] > report["before"]["text_to_image_r@10"]
    assert not EncoderVersion.objects.exists()
    assert current_spec("image")["OPTIONS"] == {}


def test_a_fit_to_the_catalogue_becomes_the_encoder_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = {kind: services.add_category(kind) for kind in SHAPES.values()}
    for sku, title, kind, colour, picture in rows():
        product = Product(sku=sku, title=title, category=kinds[kind], attributes={"colour": colour}, status="published")
        services.save_product(product)
        add_picture(product, picture)
    report = told(capsys, "finetune", "--no-embed")
    version = EncoderVersion.objects.get()
    assert report["version"] == version.pk
    assert version.active
    assert version.model_id == report["model_id"]
    assert current_spec("image")["OPTIONS"] == {"head": version.pk}
    # The same catalogue gives the same head, and so the same version.
    assert told(capsys, "finetune", "--no-embed")["version"] == version.pk


def test_a_fit_goes_live_behind_the_alias(capsys: pytest.CaptureFixture[str], vector_store: QdrantClient) -> None:
    kind = services.add_category("ball")
    for sku, title, _, colour, picture in rows()[:48]:
        product = Product(sku=sku, title=title, category=kind, attributes={"colour": colour}, status="published")
        services.save_product(product)
        add_picture(product, picture)
    call_command("embed", "--json")
    before = live_collection(refresh=True)
    report = told(capsys, "finetune")
    after = live_collection(refresh=True)
    assert before.name != after.name
    assert after.image_spec["OPTIONS"] == {"head": report["version"]}
    assert vector_store.count(after.name).count == 48
    assert set(report["before"]) == set(report["after"]) >= FIGURES


def test_every_encoder_is_measured_on_the_same_pictures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = told(capsys, "evaluate_images", "--data", str(folder))
    assert set(report) >= FIGURES
    assert set(report["by_encoder"]) == {"conse", "head"}
    assert "derived from attributes" in report["note"]


@pytest.mark.parametrize("name", ["finetune", "evaluate_images"])
def test_a_folder_without_products_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no products\.csv"):
        call_command(name, "--data", str(tmp_path / "empty"))
    (tmp_path / "products.csv").write_text("sku,name\n1,x\n")
    with pytest.raises(CommandError, match="no column image, title"):
        call_command(name, "--data", str(tmp_path))


def test_an_empty_catalogue_is_refused() -> None:
    with pytest.raises(CommandError, match="No published product has a picture"):
        call_command("finetune")
