"""What is stored of a picture: all of its pixels, none of its metadata; and what is refused, with the reason."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from catalog.verification import PictureError, near_duplicate, verify


def scene(width=200, height=120, mode="RGB", seed=0):
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((width, height)).convert(mode)


def saved(image, format_, **options):
    output = io.BytesIO()
    image.save(output, format_, **options)
    return output.getvalue()


def exif(orientation=None):
    data = Image.Exif()
    data[0x010F] = "SecretCam"
    data.get_ifd(0x8825)[1] = "N"  # GPS
    if orientation:
        data[0x0112] = orientation
    return data


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize(
    ("format_", "options"),
    [
        ("JPEG", {"exif": exif(), "comment": b"SecretCam"}),
        ("JPEG", {"exif": exif(), "progressive": True}),
        ("PNG", {"exif": exif()}),
        ("WEBP", {"exif": exif(), "xmp": b"<x>SecretCam</x>"}),
        ("WEBP", {"exif": exif(), "lossless": True}),
    ],
)
def test_metadata_goes_and_every_pixel_stays(format_, options):
    data = saved(scene(), format_, **options)
    assert b"SecretCam" in data
    picture = verify(data)
    assert b"SecretCam" not in picture.data
    assert not Image.open(io.BytesIO(picture.data)).getexif()
    assert picture.format == format_
    assert np.array_equal(pixels(picture.data), pixels(data))
    assert (picture.width, picture.height) == (200, 120)


@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_bytes_behind_the_end_of_a_picture_are_not_stored(format_):
    data = saved(scene(), format_)
    assert verify(data + b"<script>alert(1)</script>PK\x03\x04").data == verify(data).data


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_turned_picture_is_stored_upright(format_):
    picture = verify(saved(scene(), format_, exif=exif(orientation=6)))
    assert (picture.width, picture.height) == (120, 200)
    expected = np.asarray(scene().rotate(-90, expand=True), dtype=int)
    assert np.abs(pixels(picture.data).astype(int) - expected).mean() < 6
    assert b"SecretCam" not in picture.data


def test_another_colour_profile_is_turned_into_srgb():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    as_if = verify(saved(scene(), "JPEG", icc_profile=profile.tobytes()))  # does not fit RGB: left out
    assert "icc_profile" not in Image.open(io.BytesIO(as_if.data)).info
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = saved(scene(), "JPEG", icc_profile=srgb)
    assert np.array_equal(pixels(verify(data).data), pixels(data))
    assert "icc_profile" not in Image.open(io.BytesIO(verify(data).data)).info


@pytest.mark.parametrize(
    ("format_", "stored"), [("GIF", "PNG"), ("PNG", "PNG"), ("WEBP", "JPEG"), ("AVIF", "JPEG"), ("MPO", "JPEG")]
)
def test_of_an_animation_the_first_frame_is_stored(format_, stored):
    frames = [scene(seed=1), scene(seed=2), scene(seed=3)]
    picture = verify(saved(frames[0], format_, save_all=True, append_images=frames[1:]))
    assert picture.format == stored
    assert getattr(Image.open(io.BytesIO(picture.data)), "n_frames", 1) == 1
    assert np.abs(pixels(picture.data).astype(int) - np.asarray(frames[0], dtype=int)).mean() < 12


@pytest.mark.parametrize(("mode", "format_"), [("CMYK", "JPEG"), ("L", "JPEG"), ("P", "PNG"), ("RGBA", "PNG")])
def test_every_mode_that_shops_send_is_taken(mode, format_):
    picture = verify(saved(scene(mode=mode), format_))
    assert Image.open(io.BytesIO(picture.data)).mode in ("RGB", "L", "P", "RGBA")


def test_transparency_survives_an_encoding():
    image = scene(mode="RGBA")
    image.putalpha(128)
    assert Image.open(io.BytesIO(verify(saved(image, "AVIF")).data)).mode == "RGBA"


GOOD = saved(scene(400, 300), "JPEG")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (GOOD[: len(GOOD) // 2], "cut off"),
        (saved(scene(), "PNG")[:900], "cut off"),
        (saved(scene(), "WEBP")[:200], "damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG document"),
        (b"<?xml version='1.0'?><!-- x --><svg/>", "SVG document"),
        (b"\n<!DOCTYPE html><html></html>", "HTML page"),
        (b"%PDF-1.7", "another format"),
        (saved(scene(), "TIFF"), "another format"),
        (b"plain words", "not a picture"),
        (b"\xff\xd8\xff\xe0" + b"\x00" * 50, "damaged"),
    ],
)
def test_what_is_no_whole_picture_is_refused_with_a_reason(data, reason):
    with pytest.raises(PictureError, match=reason):
        verify(data)


@pytest.mark.slow
def test_a_picture_of_900_million_pixels_is_refused_by_its_header():
    bomb = saved(Image.new("1", (30_000, 30_000)), "PNG")
    assert len(bomb) < 200_000
    with pytest.raises(PictureError, match="too many pixels"):
        verify(bomb)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_limit_on_pixels_holds_for_each_format(settings, format_):
    settings.PICTURE_MAX_PIXELS = 20_000
    with pytest.raises(PictureError, match="200 x 120"):
        verify(saved(scene(), format_))


def test_the_limit_on_bytes_is_checked_first(settings):
    settings.PICTURE_MAX_BYTES = 1000
    with pytest.raises(PictureError, match="at most 1,000"):
        verify(GOOD)


def test_the_perceptual_hash_sees_through_compression_and_size_and_tells_pictures_apart():
    original = verify(saved(scene(400, 300), "PNG"))
    again = verify(saved(scene(400, 300), "JPEG", quality=50))
    smaller = verify(saved(scene(200, 150), "WEBP"))
    other = verify(saved(scene(400, 300, seed=9), "PNG"))
    assert near_duplicate(original.phash, again.phash)
    assert near_duplicate(original.phash, smaller.phash)
    assert not near_duplicate(original.phash, other.phash)


def test_no_way_of_damaging_a_picture_gives_anything_but_a_picture_error():
    rng = np.random.default_rng(4)
    sources = [
        saved(scene(), "JPEG", exif=exif(6)),
        saved(scene(), "PNG"),
        saved(scene(), "WEBP"),
        saved(scene(), "GIF"),
    ]
    refused = 0
    for data in sources:
        for _ in range(60):
            broken = bytearray(data)
            for place in rng.integers(0, len(broken), 8):
                broken[place] = rng.integers(0, 256)
            try:
                picture = verify(bytes(broken[: rng.integers(1, len(broken) + 1)]))
            except PictureError:
                refused += 1
            else:
                pixels(picture.data)
    assert refused > 100
