"""The pictures in a page's address: `picture=TOKEN` and `image_of=SKU`, several times, and `crop=x,y,w,h` for each.

Regions belong to the uploaded pictures first and to the products' after them, in this order. A picture that is taken
whole has the region 0,0,1,1, or none where no other comes after it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.http import QueryDict
from PIL import Image

from search.query.crop import Crop, aligned
from search.query.request import MOST_PICTURES
from search.shop import query_pictures

WHOLE = "0,0,1,1"
MAX_NAME = 64  # characters of a token or a sku
EDGES = ("x", "y", "width", "height")
PARAMETERS = ("picture", "image_of", "crop")


@dataclass(frozen=True)
class AskedPicture:
    """One picture of a search: an uploaded one by its token, or those of a product by its sku."""

    parameter: str  # "picture" or "image_of"
    name: str
    crop: Crop | None = None

    @property
    def uploaded(self) -> bool:
        return self.parameter == "picture"

    @property
    def edges(self) -> dict[str, float]:
        """The region in percent, as its form has it."""
        return {edge: round(share * 100, 1) for edge, share in zip(EDGES, self.crop or (0, 0, 1, 1), strict=True)}


def read_pictures(params: QueryDict) -> tuple[AskedPicture, ...]:
    """The pictures in their order, each once. Raises ValueError with a sentence for the shopper."""
    named = [(parameter, name) for parameter in PARAMETERS[:2] for name in params.getlist(parameter) if name]
    for _, name in named:
        if len(name) > MAX_NAME or "\0" in name:
            raise ValueError("A picture's name is too long or holds characters that no name has.")
    crops = params.getlist("crop")
    if len(crops) > len(named):
        raise ValueError("There are more regions than pictures.")
    pairs = aligned([str(at) for at in range(len(named))], crops)
    pictures = [
        AskedPicture(parameter, name, Crop.parse(crop) if crop else None)
        for (parameter, name), (_, crop) in zip(named, pairs, strict=True)
    ]
    different = tuple(dict.fromkeys(pictures))
    if len(different) > MOST_PICTURES:
        raise ValueError(f"At most {MOST_PICTURES} pictures at once.")
    return different


def images(pictures: Iterable[AskedPicture]) -> tuple[Image.Image, ...]:
    """The uploaded ones, decoded. Raises query_pictures.PictureGoneError."""
    return tuple(query_pictures.open_picture(each.name) for each in pictures if each.uploaded)


def written(pictures: Iterable[AskedPicture]) -> list[tuple[str, str]]:
    """The parameters that say the same again."""
    ordered = sorted(pictures, key=lambda each: not each.uploaded)
    crops = [str(each.crop) if each.crop else WHOLE for each in ordered]
    while crops and crops[-1] == WHOLE:
        crops.pop()
    return [*((each.parameter, each.name) for each in ordered), *(("crop", crop) for crop in crops)]


def with_pictures(params: QueryDict, pictures: Iterable[AskedPicture]) -> QueryDict:
    """The address with these pictures instead of its own, on its first page."""
    changed = params.copy()
    for name in (*PARAMETERS, "page"):
        changed.pop(name, None)
    for name, value in written(pictures):
        changed.appendlist(name, value)
    return changed


def cropped(pictures: tuple[AskedPicture, ...], at: str, edges: Mapping[str, str]) -> tuple[AskedPicture, ...]:
    """The pictures, with another region of number `at`; `edges` are in percent. Raises ValueError with a sentence."""
    if not (at.isascii() and at.isdigit() and len(at) < 3 and int(at) < len(pictures)):
        raise ValueError("There is no such picture in this search.")
    try:
        x, y, width, height = (float(edges[edge]) / 100 for edge in EDGES)
    except (KeyError, ValueError):
        raise ValueError("A region needs four numbers, in percent of the picture.") from None
    # Two numbers that fit each alone reach beyond the picture together: what is there of the region is meant.
    if 0 <= x <= 1 and 0 <= y <= 1 and max(width, height) <= 1:
        width, height = min(width, 1 - x), min(height, 1 - y)
    crop = Crop.parse(f"{x},{y},{width},{height}")
    return tuple(replace(each, crop=crop) if index == int(at) else each for index, each in enumerate(pictures))
