"""Any OpenCLIP model: its picture tower and its text tower, with the preprocessing of its own configuration."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from search.encoders.base import EncoderError, Vectors
from search.encoders.batches import in_batches, normalise, portions
from search.encoders.pictures import to_rgb
from search.encoders.runtime import compile_network, place

if TYPE_CHECKING:
    import torch


class OpenClipEncoder:
    """``model`` names an OpenCLIP model in one of four ways:

    - ``"ViT-B-32/laion2b_s34b_b79k"``: an architecture and the tag of its pretrained weights;
    - ``"hf-hub:Marqo/marqo-ecommerce-embeddings-B"``: a repository of the model hub;
    - ``"/models/shop-clip"``: a folder with ``open_clip_config.json`` and weights beside it;
    - ``"ViT-B-32//models/finetuned.safetensors"``: an architecture and the path of a checkpoint.

    Checkpoints are safetensors, or torch files read with ``weights_only``: nothing in them is ever executed.
    Raises EncoderError: permanent for a name or file that cannot serve, else when the hub cannot be reached.
    """

    def __init__(
        self,
        model: str,
        *,
        device: str = "auto",
        runtime: str = "auto",
        batch: int = 32,
        cache: Path | None = None,
    ) -> None:
        placement = place(device, runtime)
        network, self._preprocess, self._tokens = _load(model)
        digest = hashlib.sha256()
        for name, value in sorted(network.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.contiguous().view(-1).float().numpy().tobytes())
        # The picture's preparation is part of what a vector means.
        digest.update(repr(self._preprocess).encode())
        short = digest.hexdigest()[:12]
        self.model_id = f"openclip:{Path(model).name.removesuffix('.safetensors').removesuffix('.pt')}:{short}"
        self._batch = batch
        pixels = self._pixels(Image.new("RGB", (8, 8)))[None].repeat(2, axis=0)
        tokens = self._tokens(["a", "b"]).numpy()
        images, texts = _towers(network)
        self._images = compile_network(
            lambda: images, {"pixels": pixels}, placement=placement, digest=f"clip-image-{short}", cache=cache
        )
        # The tokens' number is fixed: open_clip pads every text to the model's context.
        self._texts = compile_network(
            lambda: texts, {"tokens": tokens}, placement=placement, digest=f"clip-text-{short}", cache=cache
        )
        self.dim = int(self._texts(tokens=tokens).shape[1])

    def encode_text(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Return ``(len(texts), dim)``. OpenCLIP models know no query prefix, so ``query`` changes nothing."""
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        batches = (
            (places, {"tokens": self._tokens([texts[place] for place in places]).numpy()})
            for places in self._places(len(texts))
        )
        return normalise(in_batches(self._texts, batches, len(texts), self.dim))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return ``(len(images), dim)``."""
        batches = (
            (places, {"pixels": np.stack([self._pixels(images[place]) for place in places])})
            for places in self._places(len(images))
        )
        return normalise(in_batches(self._images, batches, len(images), self.dim))

    def _places(self, count: int) -> list[list[int]]:
        return [list(range(each.start, each.stop)) for each in portions(count, self._batch)]

    def _pixels(self, image: Image.Image) -> Any:
        return self._preprocess(to_rgb(image)).numpy()


def _load(model: str) -> "tuple[torch.nn.Module, Callable[..., Any], Callable[..., Any]]":
    import open_clip

    folder = Path(model).expanduser()
    name, tag = model, None
    if folder.is_dir():
        name = f"local-dir:{folder.resolve()}"
    elif not model.startswith(("hf-hub:", "local-dir:")):
        name, _, tag = model.partition("/")
        if name not in open_clip.list_models():
            raise EncoderError(f"OpenCLIP knows no model {name!r}.", permanent=True)
        if not tag:
            raise EncoderError(f"Name the weights of {name} too: {name}/<tag> or {name}/<path>.", permanent=True)
        known = open_clip.list_pretrained_tags_by_model(name)
        if tag not in known and not Path(tag).is_file():
            told = ", ".join(known) or "none"
            raise EncoderError(
                f"{name} has no weights {tag!r}, and there is no such file (tags: {told}).", permanent=True
            )
    try:
        network, preprocess = open_clip.create_model_from_pretrained(
            name, pretrained=tag, precision="fp32", device="cpu", weights_only=True
        )
        tokens = open_clip.get_tokenizer(name)
    except OSError as error:  # the hub's errors, too
        raise EncoderError(f"The model {model} cannot be had at the moment: {error}", permanent=False) from error
    except Exception as error:
        raise EncoderError(f"The model {model} cannot be loaded: {error}", permanent=True) from error
    return network.eval(), preprocess, tokens


def _towers(network: "torch.nn.Module") -> "tuple[torch.nn.Module, torch.nn.Module]":
    import torch

    class Tower(torch.nn.Module):
        def __init__(self, method: str) -> None:
            super().__init__()
            self.network = network
            self._encode = getattr(network, method)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self._encode(inputs)

    return Tower("encode_image"), Tower("encode_text")
