"""Pictures that shoppers search with are checked, made small, found again by any process, and forgotten."""

import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from catalog.pictures import PictureError
from search.shop import query_pictures
from tests.search.shop.conftest import picture


def stored() -> list[str]:
    root = query_pictures.FOLDER
    return [
        f"{day}/{name}"
        for day in default_storage.listdir(root)[0]
        for name in default_storage.listdir(f"{root}/{day}")[1]
    ]


def test_a_picture_is_found_again_by_its_token():
    token = query_pictures.keep(picture("#c0392b", side=900))
    image = query_pictures.open_picture(token)
    assert image.mode == "RGB"
    assert max(image.size) == query_pictures.SIDE
    assert image.getpixel((0, 0)) == (255, 255, 255), "what is transparent lies on white, as products' pictures do"


def test_the_same_picture_is_kept_once():
    assert query_pictures.keep(picture("#c0392b")) == query_pictures.keep(picture("#c0392b"))
    assert len(stored()) == 1


def test_metadata_does_not_stay():
    image, exif, out = Image.new("RGB", (64, 48), "teal"), Image.Exif(), io.BytesIO()
    exif[0x010E], exif[0x0112] = "taken at home", 6
    image.save(out, "JPEG", exif=exif)
    kept = Image.open(io.BytesIO(query_pictures.load(query_pictures.keep(out.getvalue()))))
    assert not dict(kept.getexif())
    assert kept.size == (48, 64), "it was turned upright first"


@pytest.mark.parametrize("data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", picture("#c0392b")[:200]])
def test_what_is_no_picture_is_refused_with_a_sentence(data):
    with pytest.raises(PictureError, match=r"\w+ .+\."):
        query_pictures.keep(data)


def test_a_picture_expires(monkeypatch):
    today = timezone.localdate()
    token = query_pictures.keep(picture("#c0392b"))
    monkeypatch.setattr(timezone, "localdate", lambda: today + timedelta(days=query_pictures.DAYS))
    assert query_pictures.load(token)
    monkeypatch.setattr(timezone, "localdate", lambda: today + timedelta(days=query_pictures.DAYS + 1))
    with pytest.raises(query_pictures.PictureGoneError):
        query_pictures.load(token)
    query_pictures.keep(picture("#2d5fd0"))
    assert len(stored()) == 1, "the next upload removes what has expired"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "../../etc/passwd",
        "2026-13-45-" + "0" * 32,
        "2026-01-01-" + "0" * 32,
        "2099-01-01-" + "g" * 32,
        "٢٠٢٦-01-01-" + "0" * 32,
    ],
)
def test_a_token_that_names_nothing_says_so(token):
    with pytest.raises(query_pictures.PictureGoneError):
        query_pictures.load(token)
