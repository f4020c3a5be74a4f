"""The space that pictures and words share: a few matrices on top of two frozen networks.

A picture's vector is ``[words | kind | look]``, each part L2-normalised and weighed by the square root of its share:

- ``words`` lies in the text encoder's space: a projection fitted to the titles of a catalogue (LiT, Zhai et al., CVPR
  2022), blended with ConSE (Norouzi et al., ICLR 2014), which knows classes that the catalogue never showed;
- ``kind`` sets the catalogue's categories apart;
- ``look`` keeps the main directions of the features, for what no category says.

A text's vector is ``[text | 0 | 0]``. So text against picture sees the words alone, picture against picture sees all
three, and one named vector with cosine similarity serves either.
"""

import csv
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.encoders.base import EncoderError, TextEncoder, Vectors
from search.encoders.batches import normalise

# The first numbers of a picture's features: the network's own last features, which its classifier takes.
CLASSIFIED = 1280
LOOK_DIM = 128
CONSE_SHARE = 0.5  # weight of the ConSE vector beside the fitted one
SHARES = {"words": 0.3, "kind": 0.6, "look": 0.1}


@dataclass(frozen=True)
class Conse:
    """The mean of the class names' text vectors, weighted by what the classifier sees."""

    classifier: NDArray[np.float32]  # (1000, CLASSIFIED)
    bias: NDArray[np.float32]  # (1000,)
    classes: NDArray[np.float32]  # (1000, text)

    def __call__(self, features: Vectors) -> Vectors:
        """Picture features ``(n, features)`` to normalised text vectors ``(n, text)``."""
        logits = features[:, :CLASSIFIED] @ self.classifier.T + self.bias
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return normalise((weights / weights.sum(axis=1, keepdims=True)) @ self.classes)


@dataclass(frozen=True)
class JointHead:
    """Linear maps from picture features to the parts of a vector. The last row of each is its constant.

    A head without ``words`` is plain ConSE; one without ``kind`` was fitted to a catalogue without categories.
    """

    look: NDArray[np.float32]  # (features + 1, LOOK_DIM)
    words: NDArray[np.float32] | None = None  # (features + 1, text)
    kind: NDArray[np.float32] | None = None  # (features + 1, kinds)

    def images(self, features: Vectors, conse: Vectors) -> Vectors:
        """Features ``(n, features)`` and their ConSE vectors to vectors of the space, ``(n, dim)``."""
        words = conse if self.words is None else normalise(_apply(self.words, features) + CONSE_SHARE * conse)
        parts = [SHARES["words"] ** 0.5 * words]
        if self.kind is not None:
            parts.append(SHARES["kind"] ** 0.5 * normalise(_apply(self.kind, features)))
        parts.append(SHARES["look"] ** 0.5 * normalise(_apply(self.look, features)))
        return normalise(np.hstack(parts))

    @property
    def extra_dim(self) -> int:
        """Dimensions beside those of the words."""
        return self.look.shape[1] + (0 if self.kind is None else self.kind.shape[1])

    def to_bytes(self) -> bytes:
        """As safetensors in float16, which `from_bytes` reads."""
        from safetensors.numpy import save

        maps = {name: getattr(self, name) for name in ("look", "words", "kind")}
        return save({name: np.ascontiguousarray(m, dtype=np.float16) for name, m in maps.items() if m is not None})

    @classmethod
    def from_bytes(cls, data: bytes) -> "JointHead":
        """Raises EncoderError (permanent) for bytes that are not a head."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            return cls(**{name: array.astype(np.float32) for name, array in load(bytes(data)).items()})
        except (SafetensorError, TypeError, ValueError) as error:
            raise EncoderError(f"These bytes are not a fitted head: {error}", permanent=True) from error


def _apply(matrix: NDArray[np.float32], features: Vectors) -> Vectors:
    return features @ matrix[:-1] + matrix[-1]


def conse_parts(
    weights: Path, digest: str, text: TextEncoder, cache: Path | None, width: int
) -> tuple[Conse, JointHead]:
    """ConSE over the network's classifier, and the head of a space that no catalogue was fitted to.

    Its ``look`` is made of the directions by which the classifier tells its classes apart, most telling first.
    """
    from safetensors.numpy import load_file, save_file

    key = hashlib.sha256(f"{digest} {text.model_id}".encode()).hexdigest()[:16]
    path = cache / f"conse-{key}.safetensors" if cache else None
    if path and path.exists():
        arrays = load_file(path)
    else:
        import torch

        state = torch.load(weights, map_location="cpu", weights_only=True)
        classifier = state["_fc.weight"].numpy()
        # The right singular vectors, by the symmetric problem in double precision: LAPACK's single precision SVD was
        # seen not to come back on some processors.
        centred = (classifier - classifier.mean(axis=0)).astype(np.float64)
        directions = np.linalg.eigh(centred.T @ centred)[1].T[::-1]
        arrays = {
            "classifier": classifier,
            "bias": state["_fc.bias"].numpy(),
            "classes": text.encode_text(imagenet_classes()),
            "directions": directions[:LOOK_DIM].T,
        }
        # safetensors writes the memory as it lies, and the package's classifier is a transposed view.
        arrays = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}
        if path:
            from search.encoders.runtime import replacing

            with replacing(path) as temporary:
                save_file(arrays, temporary)
    look = np.zeros((width + 1, LOOK_DIM), dtype=np.float32)
    look[:CLASSIFIED] = arrays.pop("directions")
    return Conse(**arrays), JointHead(look=look)


def imagenet_classes() -> list[str]:
    """The 1,000 ImageNet classes in the order of the classifier, as "lemma: definition" from WordNet."""
    spec = importlib.util.find_spec("timm")
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError("The package timm with the class names is not installed.", permanent=True)
    # Read from its files: importing timm takes seconds, and the names are all that is wanted here.
    folder = Path(next(iter(spec.submodule_search_locations))) / "data" / "_info"

    def table(name: str) -> dict[str, str]:
        return dict(csv.reader((folder / name).read_text("utf-8").splitlines(), delimiter="\t"))

    lemmas, definitions = table("imagenet_synset_to_lemma.txt"), table("imagenet_synset_to_definition.txt")
    return [f"{lemmas[s]}: {definitions[s]}" for s in (folder / "imagenet_synsets.txt").read_text().split()]
