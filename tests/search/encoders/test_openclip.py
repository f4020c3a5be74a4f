"""OpenCLIP models by name, folder and checkpoint; what cannot serve is said so before anything is encoded."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search.encoders.base import EncoderError
from search.encoders.openclip import OpenClipEncoder


def build(model: str) -> OpenClipEncoder:
    return OpenClipEncoder(model, device="cpu", runtime="torch")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("ViT-B-Nothing/x", "knows no model"),
        ("ViT-B-32", "Name the weights"),
        ("ViT-B-32/no_such_tag", "has no weights 'no_such_tag'"),
        ("ViT-B-32//nowhere/model.safetensors", "there is no such file"),
    ],
)
def test_names_that_cannot_serve_are_refused(model: str, told: str) -> None:
    with pytest.raises(EncoderError, match=told) as caught:
        build(model)
    assert caught.value.permanent


def test_a_checkpoint_that_would_run_code_is_not_loaded(tiny_clip: Path, tmp_path: Path) -> None:
    import pickle

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    folder = shutil.copytree(tiny_clip, tmp_path / "trap")
    (folder / "open_clip_model.safetensors").unlink()
    (folder / "open_clip_pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(EncoderError, match="cannot be loaded"):
        build(str(folder))
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_vectors_are_those_of_open_clip_itself(tiny_clip: Path, red_disc: Image.Image) -> None:
    import open_clip
    import torch

    name = f"local-dir:{tiny_clip}"
    model, preprocess = open_clip.create_model_from_pretrained(name)
    tokens = open_clip.get_tokenizer(name)(["red shoe"])
    with torch.inference_mode():
        image = model.eval().encode_image(preprocess(red_disc)[None], normalize=True).numpy()
        text = model.encode_text(tokens, normalize=True).numpy()
    encoder = build(str(tiny_clip))
    np.testing.assert_allclose(encoder.encode_images([red_disc]), image, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_text(["red shoe"]), text, atol=1e-5)


@pytest.mark.slow
def test_model_id_changes_with_the_weights(tiny_clip: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny_clip, tmp_path / "tiny")
    assert build(str(folder)).model_id == build(str(tiny_clip)).model_id
    state = load_file(folder / "open_clip_model.safetensors")
    state["text_projection"] = state["text_projection"] + 0.01
    save_file(state, folder / "open_clip_model.safetensors")
    assert build(str(folder)).model_id != build(str(tiny_clip)).model_id
