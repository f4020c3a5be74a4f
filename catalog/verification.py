"""Decides whether a file is a picture that the shop can show, and what of it is stored.

Stored is the picture that came, without its metadata. Where its pixels already are upright and in sRGB, the file is
only filtered (`catalog.metadata`) and keeps every pixel. Where they are not (EXIF orientation, another colour profile,
CMYK, an animation, a format that browsers lack), it is encoded anew: as PNG if it is lossless or transparent, else as
JPEG of quality 95 without chroma subsampling.
"""

import hashlib
import io
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from PIL import Image, ImageCms, ImageOps

from catalog.metadata import STRIPPERS
from catalog.per_shop import folder

ACCEPTED: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")  # a camera's MPO opens as JPEG
EXTENSIONS: Final = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
ORIENTATION: Final = 0x0112
NEAR_DUPLICATE_BITS: Final = 4  # of 64; re-compressed and resized copies differ by 0 to 4
_HASH_SIDE: Final = 256  # more pixels than this change no bit of the perceptual hash worth having
DAMAGED: Final = (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, OverflowError, MemoryError)
_SRGB: Final = ImageCms.createProfile("sRGB")


class PictureError(ValueError):
    """A file that cannot be taken as a picture; the message is a sentence for the person who sent it."""


@dataclass(frozen=True, slots=True)
class VerifiedPicture:
    """A picture that decodes and is within the limits, as it will be stored."""

    data: bytes
    format: str  # JPEG, PNG or WEBP
    width: int
    height: int
    sha256: str  # of ``data``
    phash: str  # 64 bits as hex

    @property
    def name(self) -> str:
        return f"{folder()}pictures/{self.sha256[:2]}/{self.sha256}.{EXTENSIONS[self.format]}"


def verify(data: bytes) -> VerifiedPicture:
    """Check that ``data`` is a picture within the limits, and return it upright, in sRGB and without metadata.

    The size in the header is checked before a pixel is decoded; then the whole picture is decoded, so that a truncated
    one is found here and not on a shopper's screen. Raises `PictureError`.
    """
    if not data:
        raise PictureError("The picture is empty (0 bytes).")
    if len(data) > settings.PICTURE_MAX_BYTES:
        raise PictureError(f"The picture has {len(data):,} bytes; at most {settings.PICTURE_MAX_BYTES:,} are allowed.")
    with _open(data) as image:
        stripper = STRIPPERS.get("JPEG" if image.format == "MPO" else image.format or "")
        kept = stripper(data) if stripper and not _needs_encoding(image) else None
    if kept is None:
        kept = _encode(data)
    with _open(kept) as image:
        format_, (width, height) = str(image.format), image.size
        phash = _perceptual_hash(image)
    return VerifiedPicture(kept, format_, width, height, hashlib.sha256(kept).hexdigest(), phash)


def _open(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=ACCEPTED)
    except Image.DecompressionBombError as error:
        raise PictureError(_too_many_pixels()) from error
    except Image.UnidentifiedImageError as error:
        raise PictureError(_what_it_is_instead(data)) from error
    except DAMAGED as error:
        raise PictureError(f"The picture is damaged ({error}).") from error
    if image.width * image.height > settings.PICTURE_MAX_PIXELS:
        raise PictureError(f"{_too_many_pixels()} This one is {image.width:,} x {image.height:,}.")
    return image


def _too_many_pixels() -> str:
    return f"The picture has too many pixels; at most {settings.PICTURE_MAX_PIXELS:,} are allowed."


def _what_it_is_instead(data: bytes) -> str:
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kind = "a file that is not a picture"
    if b"<svg" in head:
        kind = "an SVG document"
    elif head.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        kind = "an HTML page"
    elif head.startswith((b"<?xml", b"{", b"[")):
        kind = "a text document"
    elif head.startswith((b"\xff\xd8", b"\x89png", b"gif8", b"riff")):
        kind = "a damaged picture"
    elif data[4:8] == b"ftyp" or data[:4] in (b"II*\x00", b"MM\x00*", b"%PDF", b"8BPS"):
        kind = "a picture of another format"
    return f"This is {kind}; JPEG, PNG, WebP, GIF, BMP and AVIF are accepted."


def _needs_encoding(image: Image.Image) -> bool:
    """Whether filtering would change how the picture looks, or leave something that browsers do not show."""
    try:
        turned = image.getexif().get(ORIENTATION, 1) not in (0, 1)
    except DAMAGED:
        turned = False  # unreadable metadata says nothing and goes anyway
    return (
        turned
        or image.mode == "CMYK"
        or (image.format == "WEBP" and getattr(image, "is_animated", False))
        or (bool(image.info.get("icc_profile")) and image.mode not in ("L", "LA", "1") and not _is_srgb(image))
    )


def _is_srgb(image: Image.Image) -> bool:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        return "srgb" in ImageCms.getProfileDescription(profile).lower()
    except (ImageCms.PyCMSError, *DAMAGED):
        return True  # an unreadable profile is dropped, as browsers do


def _encode(data: bytes) -> bytes:
    with _open(data) as image:
        lossy = image.format in ("JPEG", "MPO", "AVIF") or (image.format == "WEBP" and b"VP8 " in data[:4096])
        try:
            image.seek(0)
            image.load()
            upright = ImageOps.exif_transpose(image)
            plain = _to_srgb(upright)
            output = io.BytesIO()
            if lossy and plain.mode in ("RGB", "L"):
                plain.save(output, "JPEG", quality=95, subsampling=0, optimize=True)
            else:
                plain.info.clear()
                plain.save(output, "PNG")
        except DAMAGED as error:
            raise PictureError(f"The picture is damaged or cut off ({error}).") from error
    return output.getvalue()


def _to_srgb(image: Image.Image) -> Image.Image:
    transparent = has_transparency(image)
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = "RGBA" if transparent else "RGB"
            return ImageCms.profileToProfile(image, source, _SRGB, outputMode=target) or image
        except (ImageCms.PyCMSError, *DAMAGED):
            pass  # a profile that does not fit its picture is left out
    if image.mode in ("1", "L"):
        return image.convert("L")
    return image.convert("RGBA" if transparent else "RGB")


def has_transparency(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the decoded picture in RGB, with transparency laid on white as the shop's cards show it."""
    if image.mode.startswith("I;16"):
        # Pillow clips 16 bits to 8 instead of scaling them.
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    if has_transparency(image):
        image = image.convert("RGBA")
        ground = Image.new("RGB", image.size, (255, 255, 255))
        ground.paste(image, mask=image.getchannel("A"))
        return ground
    return image if image.mode == "RGB" else image.convert("RGB")


def _perceptual_hash(image: Image.Image) -> str:
    import imagehash  # here, because it brings scipy, which no page of the shop needs

    try:
        image.draft("RGB", (_HASH_SIDE, _HASH_SIDE))
        image.load()
        if image.mode in ("P", "PA") and image.palette is None:
            raise PictureError("The picture is damaged (its colours are numbers of a palette that it lacks).")
        small = image.reduce(max(1, min(image.size) // _HASH_SIDE)) if image.mode in ("RGB", "RGBA", "L") else image
        return str(imagehash.phash(to_rgb(small)))
    except DAMAGED as error:
        raise PictureError(f"The picture is damaged or cut off ({error}).") from error


def near_duplicate(first: str, second: str) -> bool:
    """Whether two perceptual hashes are of the same picture, saved twice."""
    return (int(first, 16) ^ int(second, 16)).bit_count() <= NEAR_DUPLICATE_BITS
