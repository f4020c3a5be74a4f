"""One batch on its way from outbox entries to points: documents, then vectors, then the store.

Each step isolates what cannot pass: a batch that fails is halved until the product at fault stands alone, and only that
one is reported as failed. A fault that is nobody's (`permanent` is false) is raised, and the whole batch comes back.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
import orjson
from django.db import DatabaseError
from PIL import Image
from qdrant_client import models

from catalog.models import Picture
from catalog.pictures import open_for_encoding
from search.documents import Document, build_documents, products_for_indexing
from search.encoders.base import EncoderError, Vectors, checked
from search.encoders.registry import encoder_for
from search.index import embeddings
from search.index.client import get_client, shop_payload
from search.index.embeddings import Vector
from search.index.errors import VectorStoreError
from search.index.outbox import Claim
from search.index.schema import IMAGE, TERMS, TEXT, Encoding, Shape

T = TypeVar("T")
R = TypeVar("R")
PICTURES_AT_ONCE = 64  # decoded and held in memory; the next ones are decoded while these are encoded
PICTURE_SIDE = 448  # pixels of the shorter side, at least: what the largest of the encoders sees
REQUEST_BYTES = 4_000_000  # of one upsert; Qdrant's own limit is far above, but a request should not take seconds
NUMBER_BYTES = 11  # of one component in JSON


@dataclass(frozen=True)
class Target:
    """A collection that the batch is written to."""

    name: str
    shape: Shape
    # It was in step before this batch, so a point that already says the same is not written again.
    settled: bool


@dataclass
class Content:
    """What one encoder has to encode, by content hash, and the vectors of it."""

    encoding: Encoding
    texts: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)
    known: dict[str, Vector] = field(default_factory=dict)
    fresh: dict[str, Vector] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)

    def vector(self, key: str) -> Vector:
        return self.fresh[key] if key in self.fresh else self.known[key]


class Batch:
    """Call `load`, `encode`, `keep`, `write` in this order. `load` and `keep` use the database, the others do not."""

    def __init__(self, claim: Claim, targets: Sequence[Target]) -> None:
        self.claim = claim
        self.targets = targets
        self.documents: dict[int, Document] = {}
        self.gone: set[int] = set()  # not published, or no more: their points are deleted
        self.failed: dict[int, Exception] = {}
        self._texts: dict[str, Content] = {}  # by model_id
        self._images: dict[str, Content] = {}

    def load(self) -> None:
        """Read the products as they are now, build their documents, and look up the vectors that are known."""
        products = list(products_for_indexing(self.claim.product_ids))
        self.gone = set(self.claim.product_ids) - {product.id for product in products}
        built, failed = isolating(build_documents, products)
        self.failed |= {product.id: error for product, error in failed}
        self.documents = {document.product_id: document for document in built}
        pictures = {picture.id: picture for product in products for picture in product.pictures.all()}
        for target in self.targets:
            self._texts.setdefault(target.shape.text.model_id, Content(target.shape.text))
            self._images.setdefault(target.shape.image.model_id, Content(target.shape.image))
        texts = {embeddings.text_key(document.text): document.text for document in built}
        files = {sha256: pictures[id] for document in built for id, sha256 in document.picture_keys}
        for content in self._texts.values():
            content.known = embeddings.lookup(content.encoding.model_id, texts)
            content.texts = {key: text for key, text in texts.items() if key not in content.known}
        for content in self._images.values():
            content.known = embeddings.lookup(content.encoding.model_id, files) if files else {}
            content.pictures = {key: picture for key, picture in files.items() if key not in content.known}

    def encode(self, decoders: Executor) -> tuple[int, int]:
        """Encode what is not known yet. Returns the numbers of texts and pictures encoded."""
        for content in self._texts.values():
            self._encode(content, list(content.texts.items()), "encode_text")
        for content in self._images.values():
            for decoded in _decoded(content, decoders):
                self._encode(content, decoded, "encode_images")
        return sum(len(c.fresh) for c in self._texts.values()), sum(len(c.fresh) for c in self._images.values())

    def _encode(self, content: Content, items: Sequence[tuple[str, Any]], method: str) -> None:
        if not items:
            return
        try:
            encoder = encoder_for(content.encoding.spec)
        except EncoderError as error:  # no product is at fault, and it can be put right
            raise EncoderError(str(error), permanent=False) from error
        encode: Callable[[list[Any]], Vectors] = getattr(encoder, method)

        def vectors_of(part: Sequence[tuple[str, Any]]) -> list[tuple[str, Vector]]:
            vectors = embeddings.rounded(checked(encode([item for _, item in part]), len(part), content.encoding.dim))
            if not np.isfinite(vectors).all():
                raise EncoderError("The encoder gave numbers that are too large to be kept.", permanent=True)
            return [(key, vector) for (key, _), vector in zip(part, vectors, strict=True)]

        done, failed = isolating(vectors_of, items)
        content.fresh |= dict(done)
        content.failed |= {key: error for (key, _), error in failed}

    def keep(self) -> None:
        """Store the fresh vectors, and find the products that cannot go on."""
        for content in [*self._texts.values(), *self._images.values()]:
            if content.fresh:
                embeddings.keep(content.encoding.model_id, content.fresh)
        for id, document in list(self.documents.items()):
            errors = [c.failed.get(embeddings.text_key(document.text)) for c in self._texts.values()]
            errors += [c.failed.get(sha) for c in self._images.values() for _, sha in document.picture_keys]
            error = next((error for error in errors if error is not None), None)
            if error is not None:
                self.failed[id] = error
                del self.documents[id]

    def restrict(self, product_ids: set[int]) -> None:
        """Go on with these products alone: the lease of the others was lost."""
        self.documents = {id: document for id, document in self.documents.items() if id in product_ids}
        self.gone &= product_ids
        self.failed = {id: error for id, error in self.failed.items() if id in product_ids}

    def write(self) -> None:
        """Bring the points level in every target."""
        for target in self.targets:
            documents = list(self.documents.values())
            if target.settled:
                documents = _different(target.name, documents)
            for part in _sized([self._point(document, target.shape) for document in documents]):
                _, failed = isolating(partial(_upsert, target.name), part)
                for point, error in failed:
                    self.failed[int(point.id)] = error
            if self.gone:
                get_client().delete(target.name, models.PointIdsList(points=sorted(self.gone)), wait=True)
        for id in self.failed:
            self.documents.pop(id, None)

    @property
    def written(self) -> list[Document]:
        """The documents whose points are level now."""
        return list(self.documents.values())

    @property
    def versions(self) -> dict[int, int | None]:
        """Product id -> the version that its points are made from, None where they were deleted."""
        return {id: document.version for id, document in self.documents.items()} | dict.fromkeys(self.gone)

    def _point(self, document: Document, shape: Shape) -> models.PointStruct:
        texts, images = self._texts[shape.text.model_id], self._images[shape.image.model_id]
        key = embeddings.text_key(document.text)
        indices, values = document.terms
        vectors: dict[str, Any] = {TEXT: _numbers(texts.vector(key))}
        if indices:
            vectors[TERMS] = models.SparseVector(indices=indices, values=values)
        if document.picture_keys:
            vectors[IMAGE] = [_numbers(images.vector(sha256)) for _, sha256 in document.picture_keys]
        payload = document.payload | {"fingerprint": document.fingerprint, "version": document.version} | shop_payload()
        return models.PointStruct(id=document.product_id, vector=vectors, payload=payload)


def isolating(
    work: Callable[[Sequence[T]], Sequence[R] | None], items: Sequence[T]
) -> tuple[list[R], list[tuple[T, Exception]]]:
    """The results of `work` over all items, halving where it fails, and the items that fail alone."""
    if not items:
        return [], []
    try:
        return list(work(items) or []), []
    except (EncoderError, VectorStoreError) as error:
        if not error.permanent:
            raise
        fault: Exception = error
    except DatabaseError:
        raise
    except Exception as error:  # whatever one product's data does to any library on the way
        fault = error
    if len(items) == 1:
        return [], [(items[0], fault)]
    half = len(items) // 2
    (one, failed_one), (two, failed_two) = isolating(work, items[:half]), isolating(work, items[half:])
    return one + two, failed_one + failed_two


def _decoded(content: Content, decoders: Executor) -> Iterator[list[tuple[str, Image.Image]]]:
    """Pictures in portions, each decoded while the one before is encoded. Those that fail go to `content.failed`."""
    items = list(content.pictures.items())
    portions = [items[start : start + PICTURES_AT_ONCE] for start in range(0, len(items), PICTURES_AT_ONCE)]
    running: list[list[tuple[str, Future[Image.Image]]]] = []
    for portion in [*portions, None]:
        if portion:
            running.append(
                [(key, decoders.submit(open_for_encoding, picture, PICTURE_SIDE)) for key, picture in portion]
            )
        if running and (len(running) == 2 or portion is None):
            decoded = []
            for key, future in running.pop(0):
                try:
                    decoded.append((key, future.result()))
                except Exception as error:
                    content.failed[key] = error
            yield decoded


def _numbers(vector: Vector) -> list[float]:
    # Six digits: well below the step between two float16 numbers of this size, and half the bytes in JSON.
    return np.round(vector.astype(np.float64), 6).tolist()


def _different(collection: str, documents: list[Document]) -> list[Document]:
    """Those whose points say something else, or are not there."""
    if not documents:
        return []
    records = get_client().retrieve(
        collection, [document.product_id for document in documents], ["fingerprint", "version"]
    )
    known = {
        record.id: ((record.payload or {}).get("fingerprint"), (record.payload or {}).get("version"))
        for record in records
    }
    return [each for each in documents if known.get(each.product_id) != (each.fingerprint, each.version)]


def _sized(points: list[models.PointStruct]) -> Iterator[list[models.PointStruct]]:
    """Portions that stay below REQUEST_BYTES."""
    portion: list[models.PointStruct] = []
    size = 0
    for point in points:
        own = _bytes(point)
        if portion and size + own > REQUEST_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(point)
        size += own
    if portion:
        yield portion


def _bytes(point: models.PointStruct) -> int:
    vectors: Any = point.vector
    numbers = len(vectors[TEXT]) + sum(map(len, vectors.get(IMAGE, [])))
    terms = vectors.get(TERMS)
    return NUMBER_BYTES * (numbers + (2 * len(terms.indices) if terms else 0)) + len(orjson.dumps(point.payload))


def _upsert(collection: str, points: Sequence[models.PointStruct]) -> None:
    get_client().upsert(collection, list(points), wait=True)
