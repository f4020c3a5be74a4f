"""The collection's shape: vectors, payload indexes, and what it remembers of the encoders it was made with."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from qdrant_client import models

from catalog.per_shop import named
from search.documents import PAYLOAD_INDEXES
from search.encoders.registry import Spec, current_spec, encoder_for
from search.index.client import SHOP, get_client, shop_payload
from search.index.errors import VectorStoreError

# Raise it when points made before do not serve any more: vectors or indexes below, or what `search.documents` builds.
# The next `embed` then fills a new collection beside the live one.
SCHEMA = 1
TEXT, IMAGE, TERMS = "text", "image", "terms"
CONFLICT = 409


def alias() -> str:
    """The alias that the current shop's searches go to; its collections begin with it.

    A collection for each shop: encoders may be fitted to one shop's catalogue, and how rare a word is (IDF) is a matter
    of one shop's products.
    """
    return named(settings.QDRANT_ALIAS)


@dataclass(frozen=True)
class Encoding:
    """Which encoder made the vectors of one name: how to build it, and what must agree."""

    spec: Spec
    model_id: str
    dim: int


@dataclass(frozen=True)
class Shape:
    """What a collection is made for. Two collections of one shape are interchangeable and have the same name."""

    text: Encoding
    image: Encoding
    schema: int = SCHEMA

    @property
    def name(self) -> str:
        told = json.dumps([self.schema, self.text.model_id, self.image.model_id])
        return f"{alias()}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"

    @property
    def metadata(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_metadata(cls, metadata: dict[str, Any]) -> "Shape":
        return cls(Encoding(**metadata["text"]), Encoding(**metadata["image"]), metadata["schema"])


def current_shape() -> Shape:
    """The shape that the settings and the active encoder versions ask for. Loads the encoders."""
    return Shape(text=_encoding("text"), image=_encoding("image"))


def _encoding(kind: str) -> Encoding:
    spec = current_spec(kind)
    encoder = encoder_for(spec)
    return Encoding(spec, encoder.model_id, encoder.dim)


def storage() -> dict[str, Any]:
    """How the store keeps a collection, by the settings: for every collection that is created."""
    options = settings.QDRANT_COLLECTION_OPTIONS
    quantization: Any = None
    if options["quantization"] == "scalar":
        # The outermost hundredth of the numbers would stretch the scale of all the others.
        scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
        quantization = models.ScalarQuantization(scalar=scalar)
    elif options["quantization"] == "binary":
        quantization = models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))
    return {
        "shard_number": options["shard_number"],
        "replication_factor": options["replication_factor"],
        "write_consistency_factor": options["write_consistency_factor"],
        "on_disk_payload": options["on_disk"],
        "hnsw_config": models.HnswConfigDiff(
            m=options["hnsw_m"], ef_construct=options["hnsw_ef_construct"], on_disk=options["hnsw_on_disk"]
        ),
        "quantization_config": quantization,
    }


def create_collection(shape: Shape) -> None:
    """Create the collection of a shape with its payload indexes; one that is there already is left as it is."""
    client, on_disk = get_client(), settings.QDRANT_COLLECTION_OPTIONS["on_disk"]
    try:
        client.create_collection(
            shape.name,
            vectors_config={
                TEXT: models.VectorParams(size=shape.text.dim, distance=models.Distance.COSINE, on_disk=on_disk),
                IMAGE: models.VectorParams(
                    size=shape.image.dim,
                    distance=models.Distance.COSINE,
                    on_disk=on_disk,
                    # One vector per picture; the best of them counts.
                    multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
                ),
            },
            sparse_vectors_config={TERMS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            **storage(),
            metadata=shape.metadata,
        )
    except VectorStoreError as error:
        # Somebody else was faster, or the first answer was lost on the way.
        if error.status != CONFLICT and not client.collection_exists(shape.name):
            raise
    # Repeated for one that was there: its creator may have been killed before the last index.
    for field, kind in PAYLOAD_INDEXES.items():
        client.create_payload_index(shape.name, field, models.PayloadSchemaType(kind))
    if shop_payload():
        client.create_payload_index(shape.name, SHOP, models.PayloadSchemaType.INTEGER)
