"""Two pictures are one if one is a copy of the other, however it was saved, cut or lit; merely alike is not enough."""

import io
import random
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from search.duplicates import titles
from search.duplicates.finding import COLOUR, DETAIL
from search.duplicates.pictures import likeness


def shirt(seed: int, colour: str = "#2d5fd0", side: int = 300) -> Image.Image:
    """A body on white, with a print of its own."""
    image, draw = Image.new("RGB", (side, side), "white"), random.Random(seed)
    canvas = ImageDraw.Draw(image)
    canvas.rounded_rectangle((side * 0.2, side * 0.12, side * 0.8, side * 0.92), 30, fill=colour)
    for _ in range(14):
        x, y, size = draw.uniform(0.25, 0.65) * side, draw.uniform(0.2, 0.8) * side, draw.uniform(0.03, 0.14) * side
        shade = draw.choice(["#ffffff", "#111111", "#f2c230", "#888888"])
        getattr(canvas, draw.choice(["ellipse", "rectangle"]))((x, y, x + size, y + size), fill=shade)
    return image


def saved(image: Image.Image, quality: int = 60) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(io.BytesIO(out.getvalue()))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved again": lambda image: saved(image, 35),
    "smaller": lambda image: saved(image.resize((120, 120))),
    "of another shape": lambda image: saved(image.resize((300, 240))),
    "mirrored": lambda image: saved(ImageOps.mirror(image)),
    "darker": lambda image: saved(ImageEnhance.Brightness(image).enhance(0.75)),
    "cropped": lambda image: saved(image.crop((20, 30, 290, 280))),
    "framed": lambda image: saved(ImageOps.expand(image, 40, "white")),
    "mirrored and cropped": lambda image: saved(ImageOps.mirror(image).crop((10, 0, 280, 270))),
}


@pytest.mark.parametrize("change", COPIES)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_copy_is_the_same_picture(change: str, seed: int) -> None:
    original = shirt(seed)
    alike = likeness(COPIES[change](original), original)
    assert alike.colour >= COLOUR, alike
    assert alike.detail >= DETAIL, alike
    again = likeness(original, COPIES[change](original))
    assert again.score == pytest.approx(alike.score, abs=0.05), "it does not matter which one is held against which"


def test_a_like_thing_with_another_print_is_not() -> None:
    assert all(likeness(shirt(1), shirt(seed)).detail < DETAIL for seed in range(2, 8))


def test_the_same_thing_in_another_colour_is_not() -> None:
    for colour in ("#c0392b", "#2d8fd0", "#2e9d57"):
        assert likeness(shirt(1), shirt(1, colour)).colour < COLOUR


def test_pictures_without_contrast_have_nothing_in_common() -> None:
    white, grey = (Image.new("RGB", (80, 80), colour) for colour in ("white", "#888888"))
    assert likeness(white, grey).score == 0
    assert likeness(white, shirt(1)).score < 0.5
    assert likeness(Image.new("RGB", (1, 1)), Image.new("L", (2000, 3))).score == 0


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Deck chair, oak", "Deck Chair Oak", True),
        ("Volt laptop 15 inch dv7-1211ea", "Volt laptop 15 inch dv7-9000", False),
        ("Volt laptop 15 inch", "Volt laptop 13 inch", False),
        ("Espresso cup", "Deck chair", False),
        ("", "", False),
    ],
)
def test_titles_are_the_same_if_their_words_and_numbers_are(first: str, second: str, same: bool) -> None:
    assert (titles.similarity(first, second) >= titles.SAME) is same
