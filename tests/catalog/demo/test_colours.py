"""Naming colours, and repainting a thing so that its new name is true."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from catalog.demo import colours

PAINTS = {
    "red": (214, 32, 40),
    "orange": (250, 130, 25),
    "yellow": (252, 214, 40),
    "green": (52, 168, 72),
    "blue": (40, 110, 230),
    "purple": (140, 70, 205),
    "pink": (250, 120, 190),
    "brown": (120, 72, 40),
    "beige": (235, 215, 180),
    "black": (24, 22, 28),
    "grey": (140, 140, 144),
    "white": (250, 250, 252),
    "teal": (20, 170, 180),
}


def ball(paint: tuple[int, int, int], accent: tuple[int, int, int] | None = None) -> Image.Image:
    """A cut-out with a highlight and, if wanted, a belt in another colour."""
    picture = Image.new("RGBA", (128, 128), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((8, 8, 120, 120), fill=(*paint, 255))
    draw.ellipse((34, 26, 50, 40), fill=(255, 255, 255, 255))
    if accent:
        draw.rectangle((8, 56, 120, 72), fill=(*accent, 255))
    return picture


@pytest.mark.parametrize("name", PAINTS)
def test_plain_paints_get_their_everyday_name(name):
    measured = colours.measure(ball(PAINTS[name]))
    assert measured.name == name
    assert measured.names == (name,)


def test_two_even_colours_are_both_named():
    picture = ball(PAINTS["red"])
    ImageDraw.Draw(picture).pieslice((8, 8, 120, 120), -90, 90, fill=(*PAINTS["blue"], 255))
    assert set(colours.measure(picture).names) == {"red", "blue"}


def test_shading_is_not_a_second_colour():
    picture = ball(PAINTS["brown"])
    ImageDraw.Draw(picture).pieslice((8, 8, 120, 120), 0, 160, fill=(*PAINTS["red"], 255))
    assert colours.measure(picture).names == ("brown",)


def test_an_empty_picture_has_no_colour():
    with pytest.raises(ValueError, match="no opaque pixel"):
        colours.measure(Image.new("RGBA", (20, 20), (255, 0, 0, 0)))


def test_many_colours_are_multicolour():
    picture = Image.new("RGBA", (120, 120))
    draw = ImageDraw.Draw(picture)
    for place, name in enumerate(("red", "yellow", "green", "blue", "purple", "pink")):
        draw.rectangle((place * 20, 0, place * 20 + 19, 119), fill=(*PAINTS[name], 255))
    assert colours.measure(picture).names == ("multicolour",)


@pytest.mark.parametrize("own", ["red", "blue", "green", "purple"])
def test_siblings_measure_as_the_colour_they_are_called(own):
    siblings = colours.repaint(ball(PAINTS[own]), list(colours.TARGETS), 4)
    assert len(siblings) == 4
    assert own not in siblings
    for name, picture in siblings.items():
        assert colours.measure(picture).name == name


def test_repainting_keeps_outline_highlight_and_accent():
    original = ball(PAINTS["red"], accent=PAINTS["blue"])
    repainted = colours.repaint(original, ["green"], 1)["green"]
    before, after = np.asarray(original), np.asarray(repainted)
    assert np.array_equal(before[..., 3], after[..., 3])
    assert after[33, 42, :3].min() > 250
    assert np.abs(before[64, 64, :3].astype(int) - after[64, 64, :3]).max() <= 3
    assert colours.measure(repainted).name == "green"


@pytest.mark.parametrize("paint", [PAINTS["grey"], PAINTS["white"], PAINTS["black"]])
def test_a_thing_without_colour_has_no_siblings(paint):
    assert colours.repaint(ball(paint), list(colours.TARGETS), 4) == {}


def test_a_thing_of_many_hues_has_no_siblings():
    hues = np.tile(np.linspace(0, 255, 128).astype(np.uint8), (128, 1))
    rainbow = Image.fromarray(np.stack([hues, np.full_like(hues, 220), np.full_like(hues, 240)], axis=-1), "HSV")
    assert colours.repaint(rainbow.convert("RGBA"), list(colours.TARGETS), 4) == {}
