"""What a model knows of a product beside who took it, as numbers: its text and pictures, brand, store, categories."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import QuerySet

from catalog.models import Product
from recommend.models.base import Items, Scores
from search.documents import Description, describe, with_described_parts
from search.index import embeddings
from search.index.batch import isolating
from search.index.compare import batched
from search.models import IndexCollection

log = logging.getLogger(__name__)

MOST_ATTRIBUTES = 8  # brand, store, and the line of categories from the leaf upwards
AT_ONCE = 500  # products whose vectors are held in Python's own objects


@dataclass(frozen=True)
class Features:
    """How products become rows of `Items`. Kept with a model: a new product is described to it in the same way."""

    text_model: str = ""  # whose vectors, as `search.models.Embedding` names them; empty: none
    text_dim: int = 0
    image_model: str = ""
    image_dim: int = 0
    ids: dict[str, int] = field(default_factory=dict)  # "brand:acme" -> attribute id from 1

    @classmethod
    def current(cls) -> "Features":
        """Those of the collection that is searched, still without attribute ids. Loads no encoder."""
        states = (IndexCollection.State.LIVE, IndexCollection.State.FILLING)
        rows = {row.state: row.shape for row in IndexCollection.objects.filter(state__in=states).order_by("created_at")}
        shape: dict[str, Any] | None = next((rows[state] for state in states if state in rows), None)
        if shape is None:
            return cls()
        text, image = shape["text"], shape["image"]
        return cls(text["model_id"], text["dim"], image["model_id"], image["dim"])

    def same_content(self, other: "Features") -> bool:
        """Whether the vectors come from the same encoders, so that one model can read both."""
        return (self.text_model, self.image_model) == (other.text_model, other.image_model)

    @property
    def dim(self) -> int:
        return self.text_dim + self.image_dim

    def learn(self, entries: Iterable[Description]) -> None:
        """Give ids to the attributes that have none yet."""
        for entry in entries:
            for name in filter(None, _attributes(entry.payload)):
                self.ids.setdefault(name, len(self.ids) + 1)

    def items(self, entries: Sequence[Description]) -> Items:
        """Describe products, in their order. Attributes without an id and vectors that are not there are left out."""
        n = len(entries)
        content = np.zeros((n, self.dim), np.float32)
        attributes = np.zeros((n, MOST_ATTRIBUTES), np.int64)
        categories = np.full(n, -1, np.int64)
        for start in range(0, n, AT_ONCE):
            part = entries[start : start + AT_ONCE]
            content[start : start + len(part)] = self._content(part)
        for row, entry in enumerate(entries):
            named = [self.ids.get(name, 0) for name in _attributes(entry.payload)]
            attributes[row, : len(named)] = named
            categories[row] = self.ids.get(f"category:{(entry.payload.get('categories') or [''])[-1]}", -1)
        keys = np.array([entry.product_id for entry in entries], np.int64)
        return Items(keys, content if self.dim else None, attributes, categories)

    def _content(self, entries: Sequence[Description]) -> Scores:
        """Return (entries, dim): the text's vector and the mean of the pictures', each of length 1, or zero."""
        out = np.zeros((len(entries), self.dim), np.float32)
        texts = {entry.product_id: embeddings.text_key(entry.text) for entry in entries}
        known = embeddings.lookup(self.text_model, texts.values()) if self.text_dim else {}
        shas = {sha256 for entry in entries for _, sha256 in entry.picture_keys}
        seen = embeddings.lookup(self.image_model, shas) if self.image_dim and shas else {}
        for row, entry in enumerate(entries):
            if (vector := known.get(texts[entry.product_id])) is not None:
                out[row, : self.text_dim] = _of_length_one(vector.astype(np.float32))
            pictures = [seen[sha256].astype(np.float32) for _, sha256 in entry.picture_keys if sha256 in seen]
            if pictures:
                out[row, self.text_dim :] = _of_length_one(np.mean(pictures, axis=0))
        return out


def described(product_ids: Iterable[int] | None = None, *, published: bool = True) -> Iterator[list[Description]]:
    """Products in portions by ascending id: all, or those of `product_ids`; of these the published ones, or any."""
    products: QuerySet[Product] = Product.objects.order_by("id")
    if published:
        products = products.filter(status=Product.Status.PUBLISHED)
    # The ids first and whole: a cursor that stays open while portions are worked on would be a long transaction.
    ids = list(products.values_list("id", flat=True)) if product_ids is None else sorted(set(product_ids))
    for portion in batched(ids, AT_ONCE):
        entries, failed = isolating(describe, list(with_described_parts(products.filter(id__in=portion))))
        for product, error in failed:
            log.warning("Product %s cannot be described: %s", product.pk, error)
        yield entries


def _attributes(payload: dict[str, Any]) -> list[str]:
    """Brand, store and categories, each in its own column; "" for what a product has not."""
    named = [f"{kind}:{payload[kind]}" if kind in payload else "" for kind in ("brand", "store")]
    named += [f"category:{slug}" for slug in reversed(payload.get("categories", []))]
    return named[:MOST_ATTRIBUTES]


def _of_length_one(vector: Scores) -> Scores:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector
