"""Pictures as the encoders want them: upright, RGB, and no larger than needed."""

import warnings
from typing import IO

from PIL import Image, ImageOps

from search.encoders.base import EncoderError

WHITE = (255, 255, 255)  # what a product is photographed on, and what a transparent picture is shown on


def open_for_encoding(file: str | IO[bytes], side: int = 448) -> Image.Image:
    """Open a picture and decode it no larger than an encoder needs: its shorter side stays at or above ``side``.

    A JPEG is scaled inside its decoder (by 1/2, 1/4 or 1/8), which is about six times as fast for a photo of 1,500
    pixels. Raises EncoderError (permanent) for what is not a picture.
    """
    try:
        image = Image.open(file)
        shorter = min(image.size)
        if shorter > side:
            # draft() picks the smallest scale that covers the size asked for, so ask for `side` on the shorter side.
            image.draft("RGB", (image.width * side // shorter, image.height * side // shorter))
        return to_rgb(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise EncoderError(f"The picture cannot be decoded: {error}", permanent=True) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the picture upright, in RGB, with transparency laid on white. The picture passed in stays as it is.

    Raises EncoderError (permanent) for a picture that is truncated or empty.
    """
    try:
        image.load()
        if 0 in image.size:
            raise EncoderError("The picture has no pixels.", permanent=True)
        image = ImageOps.exif_transpose(image)
        if image.mode == "RGB" and "transparency" not in image.info:
            return image
        if image.mode.startswith("I;16"):
            # Pillow clips 16 bit to 8 instead of scaling it.
            return image.convert("I").point(lambda value: value / 257).convert("L").convert("RGB")
        if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "palette images with transparency expressed in bytes"
                image = image.convert("RGBA")
            ground = Image.new("RGB", image.size, WHITE)
            ground.paste(image, mask=image.getchannel("A"))
            return ground
        return image.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise EncoderError(f"The picture cannot be decoded: {error}", permanent=True) from error
