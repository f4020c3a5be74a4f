"""Pictures as the encoders want them: upright and RGB."""

import warnings

from PIL import Image, ImageOps

from search.encoders.base import EncoderError

WHITE = (255, 255, 255)  # what a product is photographed on, and what a transparent picture is shown on


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
