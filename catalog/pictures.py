"""Pictures of products: stored once under their content, attached to products, read for encoding, shown as thumbnails.

Files are named by the SHA-256 of their content, so equal bytes are stored once, whichever products show them, and a
file is written before the row that names it is committed. A rollback leaves at most a file without a row, which `tidy`
removes; removing a row never removes a file that another row shows. Each shop has a folder of its own: the same bytes
in two shops are two files, so that what one shop deletes is still there in the other.
"""

import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from PIL import Image

from catalog.models import Picture, Product
from catalog.per_shop import folder
from catalog.services.changes import mark_changed
from catalog.verification import (
    ACCEPTED,
    DAMAGED,
    PictureError,
    VerifiedPicture,
    has_transparency,
    near_duplicate,
    to_rgb,
    verify,
)

__all__ = [
    "PictureError",
    "VerifiedPicture",
    "add_picture",
    "make_thumbnails",
    "near_duplicates",
    "open_for_encoding",
    "store",
    "tidy",
    "verify",
]

# Files ----------------------------------------------------------------------------------------------------------


def store(picture: VerifiedPicture) -> str:
    """Write the picture's file, unless it is there, and return its name in the storage. No row is touched."""
    known = Picture.objects.filter(sha256=picture.sha256).exists()
    if not (known and _made_young(picture.name)):
        write_atomically(default_storage, picture.name, picture.data)
    return picture.name


def _made_young(name: str) -> bool:
    """Whether the file is there and was made young, since an old one that no row shows may go at any moment.

    A storage that is no file system is written to again instead.
    """
    try:
        os.utime(default_storage.path(name))
    except (NotImplementedError, FileNotFoundError):
        return False
    return True


def write_atomically(storage: Storage, name: str, data: bytes) -> None:
    """Write a file so that whoever opens it, at any moment, finds all of it or none.

    On a file system it is renamed into place; object stores publish an object only when it is complete.
    """
    try:
        path = storage.path(name)
    except NotImplementedError:
        if storage.exists(name):
            storage.delete(name)
        storage.save(name, ContentFile(data))
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def tidy(older_than: timedelta = timedelta(hours=1)) -> int:
    """Remove files of pictures and thumbnails that no row shows, and return how many.

    Young files stay: an import writes its files before it commits the rows.
    """
    removed = 0
    limit = timezone.now() - older_than
    for kind in ("pictures", "thumbnails"):
        for names in _batched(_files_below(folder() + kind), 500):
            used = set(
                Picture.objects.filter(sha256__in={_digest_of(name) for name in names}).values_list("sha256", flat=True)
            )
            for name in names:
                if _digest_of(name) not in used and default_storage.get_modified_time(name) < limit:
                    default_storage.delete(name)
                    removed += 1
    return removed


def _digest_of(name: str) -> str:
    return os.path.basename(name).partition(".")[0].partition("-")[0]


def _files_below(path: str) -> Iterator[str]:
    if not default_storage.exists(path):
        return
    folders, files = default_storage.listdir(path)
    yield from (f"{path}/{file}" for file in files)
    for inner in folders:
        yield from _files_below(f"{path}/{inner}")


def _batched(names: Iterable[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for name in names:
        batch.append(name)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


# Rows -----------------------------------------------------------------------------------------------------------


def picture_row(product_id: int, picture: VerifiedPicture, *, alt: str, position: int, source: str) -> Picture:
    """Return an unsaved row for a stored picture. Its size is given, so that Django need not open the file."""
    return Picture(
        product_id=product_id,
        width=picture.width,
        height=picture.height,
        file=picture.name,
        alt=alt[:300],
        position=position,
        sha256=picture.sha256,
        phash=picture.phash,
        source=source[:1000],
    )


def add_picture(
    product: Product, data: bytes, *, alt: str = "", position: int | None = None, source: str = ""
) -> Picture:
    """Verify, store and attach a picture, and mark the product for the index. Without a position it goes last.

    A picture that the product already has is not added again: its row is returned as it is. Raises `PictureError`.
    """
    verified = verify(data)
    store(verified)
    with transaction.atomic():
        existing = Picture.objects.filter(product=product, sha256=verified.sha256).first()
        if existing:
            return existing
        if position is None:
            last = Picture.objects.filter(product=product).aggregate(last=Max("position"))["last"]
            position = 0 if last is None else last + 1
        picture = picture_row(product.pk, verified, alt=alt, position=position, source=source)
        picture.save()
        mark_changed([product.pk])
        product.refresh_from_db(fields=["version"])
    return picture


def near_duplicates(picture: Picture) -> list[Picture]:
    """Return the other pictures of the same product that look the same."""
    others = Picture.objects.filter(product_id=picture.product_id).exclude(pk=picture.pk)
    return [other for other in others if near_duplicate(other.phash, picture.phash)]


# Reading --------------------------------------------------------------------------------------------------------


def open_for_encoding(picture: Picture, size: int = 224) -> Image.Image:
    """Return the picture in RGB, decoded no larger than an encoder needs: its shorter side is at least ``size``.

    A JPEG is scaled inside its decoder (`Image.draft`), which for photos is six times as fast. Safe to call from
    several threads. Raises `PictureError` for a file that is missing or damaged.
    """
    try:
        with default_storage.open(str(picture.file.name), "rb") as file, Image.open(file, formats=ACCEPTED) as image:
            image.draft("RGB", (size, size))
            image.load()
            factor = min(image.size) // size
            if factor > 1 and image.mode in ("RGB", "RGBA", "L"):
                return to_rgb(image.reduce(factor))
            return to_rgb(image.copy())
    except FileNotFoundError as error:
        raise PictureError(f"The file {picture.file.name} is missing.") from error
    except (Image.DecompressionBombError, *DAMAGED) as error:
        raise PictureError(f"The file {picture.file.name} cannot be decoded ({error}).") from error


def make_thumbnails(picture: Picture) -> dict[str, str]:
    """Write the thumbnails of a picture (WebP, never larger than the original) and note their names in its row.

    Called twice it writes nothing new. A file that cannot be decoded is noted in ``thumbnail_error`` and gives {}.
    """
    names = {
        size: f"{folder()}thumbnails/{picture.sha256[:2]}/{picture.sha256}-{size}.webp"
        for size in settings.THUMBNAIL_SIZES
    }
    missing = {size: name for size, name in names.items() if not default_storage.exists(name)}
    try:
        if missing:
            _write_thumbnails(picture, missing)
    except PictureError as error:
        picture.thumbnails, picture.thumbnail_error = {}, str(error)[:500]
    else:
        picture.thumbnails, picture.thumbnail_error = names, ""
    Picture.objects.filter(pk=picture.pk).update(thumbnails=picture.thumbnails, thumbnail_error=picture.thumbnail_error)
    return picture.thumbnails


def _write_thumbnails(picture: Picture, names: dict[str, str]) -> None:
    try:
        with default_storage.open(str(picture.file.name), "rb") as file, Image.open(file, formats=ACCEPTED) as image:
            largest = max(settings.THUMBNAIL_SIZES[size] for size in names)
            longer = max(image.size)
            image.draft("RGB", (image.width * largest // longer, image.height * largest // longer))
            image.load()
            current = image.convert("RGBA") if has_transparency(image) else to_rgb(image)
    except FileNotFoundError as error:
        raise PictureError(f"The file {picture.file.name} is missing.") from error
    except (Image.DecompressionBombError, *DAMAGED) as error:
        raise PictureError(f"The file {picture.file.name} cannot be decoded ({error}).") from error
    for size in sorted(names, key=lambda size: settings.THUMBNAIL_SIZES[size], reverse=True):
        side = settings.THUMBNAIL_SIZES[size]
        current = current.copy()
        current.thumbnail((side, side), Image.Resampling.LANCZOS)
        output = io.BytesIO()
        current.save(output, "WEBP", quality=82, method=4)
        write_atomically(default_storage, names[size], output.getvalue())
