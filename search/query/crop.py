"""Regions of pictures: what part of one is searched with."""

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple, Self

from PIL import Image

SMALLEST = 0.05  # of a side: less shows an encoder nothing


class Crop(NamedTuple):
    """A region of a picture as shares of its width and height, 0 to 1, from the upper left corner; upright."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read "x,y,width,height"; None for the whole picture. Raises ValueError with a sentence."""
        try:
            numbers = [float(part) for part in text.split(",")] if text.isascii() and len(text) <= 100 else []
        except ValueError:
            numbers = []
        if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
            raise ValueError("A region has four numbers from 0 to 1: x,y,width,height.")
        x, y, width, height = (round(number, 4) for number in numbers)
        if min(x, y) < 0 or x + width > 1.0001 or y + height > 1.0001:
            raise ValueError("The region reaches beyond the picture: x + width and y + height are at most 1.")
        if min(width, height) < SMALLEST:
            raise ValueError(f"The region is too small: at least {SMALLEST:g} wide and high.")
        return None if min(width, height) > 0.9999 else cls(x, y, min(width, 1 - x), min(height, 1 - y))

    def of(self, image: Image.Image) -> Image.Image:
        """The region of an upright picture; at least one pixel."""
        left, top = int(self.x * image.width), int(self.y * image.height)
        right, bottom = math.ceil((self.x + self.width) * image.width), math.ceil((self.y + self.height) * image.height)
        return image.crop((left, top, min(max(right, left + 1), image.width), min(max(bottom, top + 1), image.height)))

    def __str__(self) -> str:
        return ",".join(f"{number:.4f}".rstrip("0").rstrip(".") or "0" for number in self)


def aligned(pictures: Sequence[str], crops: Sequence[str]) -> list[tuple[str, str]]:
    """Each picture's name beside its region's text. Raises ValueError for regions without a picture."""
    pairs = list(zip_longest(pictures, crops, fillvalue=None))
    if any(name is None for name, _ in pairs):
        raise ValueError("There are more regions than pictures.")
    return [(name or "", crop or "") for name, crop in pairs]
