"""Products with one picture each, to fit and to measure a joint space on: from a folder or from the catalogue."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from catalog.models import Product
from catalog.pictures import PictureError, open_for_encoding
from search.encoders.base import EncoderError
from search.encoders.pictures import to_rgb
from search.evaluation.families import family

KIND_COLUMNS = ("product_type", "category", "department")
SIDE = 448  # pixels of the shorter side, at least


class PhotosError(Exception):
    """The pictures cannot be read. The message says what is missing."""


@dataclass(frozen=True)
class Photo:
    """A product's picture and what is known of it."""

    sku: str
    title: str
    kind: str  # the narrowest category, "" if unknown
    colour: str
    family: str
    source: Path | int  # a file, or the id of a product

    def open(self) -> Image.Image:
        """Raises EncoderError (permanent) or PictureError for a file that cannot be decoded."""
        if isinstance(self.source, Path):
            try:
                with Image.open(self.source) as image:
                    image.draft("RGB", (SIDE, SIDE))
                    return to_rgb(image)
            except (OSError, Image.DecompressionBombError) as error:
                raise EncoderError(f"{self.source.name} cannot be decoded: {error}", permanent=True) from error
        picture = Product.objects.get(id=self.source).pictures.first()
        if picture is None:
            raise PictureError(f"The product {self.sku} has no picture any more.")
        return open_for_encoding(picture, SIDE)


def from_folder(folder: Path) -> list[Photo]:
    """The rows of ``products.csv`` whose picture is there. Raises PhotosError for a folder of another form."""
    path = folder / "products.csv"
    if not path.is_file():
        raise PhotosError(f"There is no products.csv in {folder}.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise PhotosError(f"{path} cannot be read: {error}") from error
    missing = {"sku", "title", "image"} - set(reader.fieldnames or ())
    if missing:
        raise PhotosError(f"{path} has no column {', '.join(sorted(missing))}.")
    colours = {row.get("colour") or "" for row in rows}
    photos = []
    for row in rows:
        file_path = folder / (row["image"] or "")
        # A row is data: it does not get to name files elsewhere.
        if not row["title"] or not file_path.is_file() or not file_path.resolve().is_relative_to(folder.resolve()):
            continue
        kind = next((row[name] for name in KIND_COLUMNS if row.get(name)), "")
        group = family(row["title"], colours)
        photos.append(Photo(row["sku"], row["title"], kind, row.get("colour") or "", group, file_path))
    if not photos:
        raise PhotosError(f"None of the {len(rows)} rows of {path} has a title and a picture that is there.")
    return photos


def from_catalogue() -> list[Photo]:
    """Published products with a picture. A product's own family goes before the one read from its title."""
    products = Product.objects.filter(status=Product.Status.PUBLISHED, pictures__isnull=False).distinct().order_by("id")
    rows = list(products.values_list("id", "sku", "title", "category__name", "family", "attributes"))
    colours = [str(attributes.get("colour") or "") for *_, attributes in rows]
    if not rows:
        raise PhotosError("No published product has a picture yet.")
    return [
        Photo(sku, title, kind or "", colour, group or family(title, set(colours)), id)
        for (id, sku, title, kind, group, _), colour in zip(rows, colours, strict=True)
    ]


def readable(photos: list[Photo]) -> Iterator[tuple[Photo, Image.Image]]:
    """Photos with their pictures, decoded one by one; those that cannot be decoded are left out."""
    for photo in photos:
        try:
            yield photo, photo.open()
        except (EncoderError, PictureError):
            continue
