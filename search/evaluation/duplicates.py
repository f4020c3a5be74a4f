"""How well copies of pictures are found among others, with each step measured: what is proposed, and what is decided.

Copies are made the way shops make them: saved again, resized, cropped, mirrored, brighter or darker, framed. Every
other picture of the catalogue that is proposed for a copy is a wrong answer, and the nearest ones are the hardest that
there are. Thresholds are chosen on one half of the pictures and reported on the other.
"""

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product as every

import imagehash
import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from search.duplicates.candidates import NEAREST
from search.duplicates.pictures import Likeness, likeness
from search.encoders.base import Vectors

Change = Callable[[Image.Image, random.Random], Image.Image]
GRID = tuple(round(0.5 + 0.025 * step, 3) for step in range(20))
# Of the pairs that are shown to somebody at most one in fifty may be wrong; within that, as many as can be are found.
PRECISION = 0.98


def saved(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(io.BytesIO(out.getvalue())).convert("RGB")


def cropped(image: Image.Image, share: float, draw: random.Random) -> Image.Image:
    width, height = int(image.width * (1 - share)), int(image.height * (1 - share))
    x, y = draw.randint(0, image.width - width), draw.randint(0, image.height - height)
    return image.crop((x, y, x + width, y + height))


CHANGES: dict[str, Change] = {
    "saved again": lambda image, draw: saved(image, 45),
    "half as large": lambda image, draw: saved(image.resize((image.width // 2, image.height // 2)), 80),
    "cropped by 10 %": lambda image, draw: saved(cropped(image, 0.1, draw), 85),
    "cropped by 20 %": lambda image, draw: saved(cropped(image, 0.2, draw), 85),
    "mirrored": lambda image, draw: saved(ImageOps.mirror(image), 85),
    "brighter or darker": lambda image, draw: saved(
        ImageEnhance.Brightness(image).enhance(draw.choice([0.75, 1.25])), 85
    ),
    "framed": lambda image, draw: saved(ImageOps.expand(image, image.width // 8, "white"), 85),
    "mirrored and cropped": lambda image, draw: saved(ImageOps.mirror(cropped(image, 0.1, draw)), 70),
}


@dataclass
class Half:
    """The copies of one half of the pictures: what was proposed, and how like it is."""

    right: dict[str, list[Likeness | None]] = field(default_factory=dict)  # by change; None: was not proposed
    wrong: list[Likeness] = field(default_factory=list)

    def recall(self, colour: float, detail: float, change: str | None = None) -> float:
        seen = self.right[change] if change else [each for copies in self.right.values() for each in copies]
        return sum(1 for each in seen if _same(each, colour, detail)) / len(seen)

    def precision(self, colour: float, detail: float) -> float:
        right = sum(1 for copies in self.right.values() for each in copies if _same(each, colour, detail))
        wrong = sum(1 for each in self.wrong if _same(each, colour, detail))
        return right / (right + wrong) if right + wrong else 1.0


def _same(seen: Likeness | None, colour: float, detail: float) -> bool:
    return seen is not None and seen.colour >= colour and seen.detail >= detail


def measure(
    pictures: Sequence[Image.Image],
    vectors: Vectors,
    encode: Callable[[list[Image.Image]], Vectors],
    *,
    sample: int,
    progress: Callable[[], object] = lambda: None,
) -> tuple[Half, Half]:
    """Copy `sample` of the pictures in every way, and look for their originals among all of them.

    ``vectors`` are of ``pictures``, ``(n, dim)``. Pairs of the pictures themselves that are one file twice count
    neither as right nor as wrong.
    """
    draw = random.Random(7)  # noqa: S311 - the same pairs in every run
    chosen = draw.sample(range(len(pictures)), min(sample, len(pictures)))
    hashes = [str(imagehash.phash(picture)) for picture in pictures]
    halves = Half(), Half()
    for number, at in enumerate(chosen):
        half = halves[number % 2]
        twins = {other for other, phash in enumerate(hashes) if phash == hashes[at] and other != at}
        twins = {other for other in twins if likeness(pictures[at], pictures[other]).score > 0.99}
        copies = {name: change(pictures[at], draw) for name, change in CHANGES.items()}
        scores = encode(list(copies.values())) @ vectors.T
        for (name, copy), row in zip(copies.items(), scores, strict=True):
            phash = str(imagehash.phash(copy))
            proposed = set(np.argsort(-row)[:NEAREST].tolist())
            proposed |= {other for other, known in enumerate(hashes) if known == phash}
            found = likeness(copy, pictures[at]) if at in proposed else None
            half.right.setdefault(name, []).append(found)
            half.wrong += [likeness(copy, pictures[other]) for other in sorted(proposed - twins - {at})]
        progress()
    return halves


def choose(half: Half) -> tuple[float, float]:
    """The thresholds of colour and detail that find most within `PRECISION`; of equal ones the strictest."""
    usable = [pair for pair in every(GRID, GRID) if half.precision(*pair) >= PRECISION]
    return max(usable, key=lambda pair: (half.recall(*pair), sum(pair))) if usable else (GRID[-1], GRID[-1])
