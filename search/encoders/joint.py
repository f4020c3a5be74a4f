"""The head that joins picture features and text vectors: a few matrices, no network.

A vector of the joint space is ``[a * joint | b * visual]``. ``joint`` lies in the text encoder's space, and is what
words are compared with; ``visual`` is the look of the picture, and zero for a text. So text against picture sees the
joint part alone, picture against picture sees both, and one named vector with cosine similarity serves either.
"""

import csv
import hashlib
import importlib.util
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.encoders.base import EncoderError, TextEncoder, Vectors
from search.encoders.runtime import normalise

VISUAL_DIM = 256


@dataclass(frozen=True)
class JointHead:
    """The matrices of a joint space. All arrays are float32."""

    classifier: NDArray[np.float32]  # (1000, features) and its bias: the network's own ImageNet classifier
    bias: NDArray[np.float32]  # (1000,)
    classes: NDArray[np.float32]  # (1000, text): the text vectors of the classes' names
    visual: NDArray[np.float32]  # (features, VISUAL_DIM)
    centre: NDArray[np.float32]  # (features,)
    share: float = 0.5  # of the joint part in the squared length of a picture's vector

    @property
    def dim(self) -> int:
        return self.classes.shape[1] + self.visual.shape[1]

    @property
    def digest(self) -> str:
        total = hashlib.sha256()
        for field in fields(self):
            total.update(np.ascontiguousarray(getattr(self, field.name)).tobytes())
        return total.hexdigest()

    def texts(self, vectors: Vectors) -> Vectors:
        """Text vectors ``(n, text)`` to joint vectors ``(n, dim)``."""
        return np.pad(vectors, ((0, 0), (0, self.visual.shape[1])))

    def images(self, features: Vectors) -> Vectors:
        """Picture features ``(n, features)`` to joint vectors ``(n, dim)``."""
        joint = normalise(self.conse(features))
        look = normalise((normalise(features) - self.centre) @ self.visual)
        return normalise(np.hstack([self.share**0.5 * joint, (1 - self.share) ** 0.5 * look]))

    def conse(self, features: Vectors) -> Vectors:
        """The mean of the class names' vectors, weighted by what the classifier sees. Returns ``(n, text)``."""
        logits = features @ self.classifier.T + self.bias
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (weights / weights.sum(axis=1, keepdims=True)) @ self.classes

    @classmethod
    def from_bytes(cls, data: bytes) -> "JointHead":
        raise EncoderError("Fitted heads cannot be read yet.", permanent=True)


def conse_head(weights: Path, text: TextEncoder, cache: Path | None) -> JointHead:
    """The head of a space that no catalogue was fitted to."""
    from safetensors.numpy import load_file, save_file

    path = (
        cache
        and cache
        / f"conse-{text.model_id.rsplit(':', 1)[-1]}-{hashlib.sha256(str(weights).encode()).hexdigest()[:12]}.safetensors"
    )
    if path and path.exists():
        return JointHead(**load_file(path))
    import torch

    state = torch.load(weights, map_location="cpu", weights_only=True)
    classifier = state["_fc.weight"].numpy()
    # The directions by which the network tells its classes apart, most telling first.
    _, _, directions = np.linalg.svd(classifier - classifier.mean(axis=0), full_matrices=False)
    arrays = {
        "classifier": classifier,
        "bias": state["_fc.bias"].numpy(),
        "classes": text.encode_text(imagenet_classes()),
        "visual": directions[:VISUAL_DIM].T,
        "centre": np.zeros(classifier.shape[1], np.float32),
    }
    # safetensors writes the memory as it lies, and the package's classifier is a transposed view.
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    if path:
        save_file(arrays, path)
    return JointHead(**arrays)


def imagenet_classes() -> list[str]:
    """The 1,000 ImageNet classes in the order of the classifier, as "lemma: definition" from WordNet."""
    spec = importlib.util.find_spec("timm")
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError("The package timm with the class names is not installed.", permanent=True)
    # Read from its files: importing timm takes seconds, and the names are all that is wanted here.
    folder = Path(next(iter(spec.submodule_search_locations))) / "data" / "_info"
    read = lambda name: dict(csv.reader((folder / name).read_text("utf-8").splitlines(), delimiter="\t"))  # noqa: E731
    lemmas, definitions = read("imagenet_synset_to_lemma.txt"), read("imagenet_synset_to_definition.txt")
    return [f"{lemmas[s]}: {definitions[s]}" for s in (folder / "imagenet_synsets.txt").read_text().split()]
