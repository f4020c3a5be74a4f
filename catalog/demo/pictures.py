"""Product shots: a cut-out on a light ground with a soft shadow, and a second view in a tinted studio."""

import random
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from catalog.demo import colours

SIZE = 480  # pixels, the shop's medium thumbnail
GROUNDS = ((255, 255, 255), (250, 250, 252), (252, 250, 247), (248, 251, 250), (251, 249, 252))
STUDIOS = ((226, 236, 246), (246, 232, 224), (229, 241, 229), (244, 236, 214), (236, 229, 245), (222, 240, 240))


@dataclass(frozen=True)
class Shoot:
    """What is to be photographed: `picture` (a cut-out) as `stem`.webp, and in up to `siblings` other colours."""

    stem: str
    picture: Path
    seed: str
    siblings: int
    second_view: bool


@dataclass(frozen=True)
class Shots:
    """The measured colour, and the file names made: the main view first; `siblings` by colour name."""

    stem: str
    colour: colours.Measured
    files: list[str]
    siblings: dict[str, list[str]] = field(default_factory=dict)


def shoot(job: Shoot, folder: Path) -> Shots:
    """Make all pictures of one item in `folder`. The same job gives the same pictures."""
    # Not secret: a seeded generator is the point.
    chance = random.Random(job.seed)  # noqa: S311
    with Image.open(job.picture) as opened:
        cutout = _trim(opened.convert("RGBA"))
    order = list(colours.TARGETS)
    chance.shuffle(order)
    painted = colours.repaint(cutout, order, job.siblings) if job.siblings else {}
    ground, studio = chance.choice(GROUNDS), chance.choice(STUDIOS)
    angle = chance.choice((-1, 1)) * chance.uniform(10, 18)

    def views(picture: Image.Image, stem: str) -> list[str]:
        files = [f"{stem}.webp"]
        _product_shot(picture, ground).save(folder / files[0], "WEBP", quality=84, method=2)
        if job.second_view:
            files.append(f"{stem}-2.webp")
            _studio_shot(picture, studio, angle).save(folder / files[1], "WEBP", quality=80, method=2)
        return files

    files = views(cutout, job.stem)
    siblings = {name: views(picture, f"{job.stem}-{name}") for name, picture in painted.items()}
    return Shots(job.stem, colours.measure(cutout), files, siblings)


def _trim(picture: Image.Image) -> Image.Image:
    """Without the empty margin, so that all things fill their shots alike. Nearly transparent pixels are margin."""
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 24 else 0).getbbox()
    return picture.crop(box) if box else picture


def _scaled(picture: Image.Image, longest: int) -> Image.Image:
    factor = longest / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS)


@cache
def _ground(tint: tuple[int, int, int], deep: float) -> Image.Image:
    """A light ground, a little darker towards the edges (`deep` of 1 is black)."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / (SIZE - 1) - 0.5
    shade = 1 - deep * np.clip((x**2 + (y + 0.08) ** 2) * 2, 0, 1)
    return Image.fromarray((np.array(tint) * shade[..., None]).round().astype(np.uint8), "RGB")


def _product_shot(cutout: Image.Image, tint: tuple[int, int, int]) -> Image.Image:
    thing = _scaled(cutout, round(SIZE * 0.74))
    shot = _ground(tint, 0.05).copy()
    left, top = (SIZE - thing.width) // 2, (SIZE - thing.height) // 2 - round(SIZE * 0.01)
    _cast_shadow(shot, thing, left, top, drop=round(SIZE * 0.035), strength=0.26)
    shot.paste(thing, (left, top), thing)
    return shot


def _studio_shot(cutout: Image.Image, tint: tuple[int, int, int], angle: float) -> Image.Image:
    turned = _trim(cutout.rotate(angle, Image.Resampling.BICUBIC, expand=True))
    thing = _scaled(turned, round(SIZE * 0.9))
    shot = _ground(tint, 0.16).copy()
    left, top = (SIZE - thing.width) // 2, (SIZE - thing.height) // 2
    _cast_shadow(shot, thing, left, top, drop=round(SIZE * 0.05), strength=0.3)
    shot.paste(thing, (left, top), thing)
    return shot


def _cast_shadow(shot: Image.Image, thing: Image.Image, left: int, top: int, drop: int, strength: float) -> None:
    """A soft shadow below the thing, blurred at a quarter of the size: it is soft anyway, and that is less work."""
    mask = Image.new("L", (SIZE // 4, SIZE // 4))
    small = thing.getchannel("A").resize((max(1, thing.width // 4), max(1, thing.height // 4)))
    mask.paste(small, (left // 4, (top + drop) // 4))
    soft = mask.filter(ImageFilter.GaussianBlur(SIZE / 100)).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    shot.paste((60, 62, 80), mask=soft.point(lambda alpha: round(alpha * strength)))
