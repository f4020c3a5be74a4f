"""The pictures of a request as one vector: several of them, each whole or a region of it, with words beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from catalog.models import Picture, Product
from catalog.pictures import PictureError, open_for_encoding
from search import metrics
from search.encoders.base import EncoderError, Vectors
from search.encoders.batches import normalise
from search.encoders.compose import compose
from search.encoders.registry import encoder_for
from search.index import embeddings
from search.index.live import Live
from search.query.crop import Crop
from search.query.errors import BadRequest, SearchUnavailable

DECODED = 1024  # pixels of the shorter side of a product's picture that a region is taken from


@dataclass
class Pictured:
    """What was asked for by pictures, as the index takes it."""

    vector: Vectors  # (dim,), of pictures and words together
    alone: Vectors  # (dim,), of the pictures without the words
    likes: list[Product] = field(default_factory=list)  # the products of `image_of`
    known: bool = False  # all of them are whole pictures of these products, so that it is known what they show


@metrics.stage("encode")
def read_pictures(
    live: Live,
    *,
    images: Sequence[Image.Image],
    skus: Sequence[str],
    crops: Sequence[Crop | None] = (),
    text: str = "",
    negative: str = "",
) -> Pictured:
    """Encode pictures and words. `crops` belong to `images`, then to `skus`, in this order.

    The mean of several pictures asks for what they have in common. Raises BadRequest for products without pictures,
    SearchUnavailable where the encoder fails.
    """
    likes: list[Product] = []
    try:
        encoder: Any = encoder_for(live.image_spec)
        regions = dict(enumerate(crops))
        shown: list[Image.Image] = []
        vectors: list[Vectors] = []
        for at, image in enumerate(images):
            region = regions.get(at)
            shown.append(region.of(image) if region else image)
        for at, sku in enumerate(skus, start=len(images)):
            product = Product.objects.filter(sku=sku, status=Product.Status.PUBLISHED).first()
            if product is None:
                raise BadRequest("image_of", f"There is no product with the sku {sku!r}.")
            likes.append(product)
            if region := regions.get(at):
                shown.append(region.of(_first_picture(product)))
                continue
            stored = _pictures_of(product, encoder.model_id)
            if stored is None:
                raise BadRequest("image_of", f"The product {sku!r} has no picture that is indexed yet.")
            vectors.append(normalise(stored.mean(axis=0, keepdims=True)))
        if shown:
            vectors.append(encoder.encode_images(shown))
        together = np.vstack(vectors)
        alone = compose(encoder, image_vectors=together)[0]
        vector = alone
        if text or negative:
            vector = compose(encoder, text=text or None, image_vectors=together, negative=negative or None)[0]
    except EncoderError as error:
        raise SearchUnavailable(f"Pictures cannot be searched at the moment: {error}") from error
    return Pictured(vector, alone, likes, known=not shown)


def _pictures_of(product: Product, model_id: str) -> Vectors | None:
    shas = list(Picture.objects.filter(product=product).order_by("position", "id").values_list("sha256", flat=True))
    known = embeddings.lookup(model_id, shas)
    vectors = [known[sha].astype(np.float32) for sha in shas if sha in known]
    return np.stack(vectors) if vectors else None


def _first_picture(product: Product) -> Image.Image:
    """The picture that a region is taken from: the one that the shop shows first."""
    picture = Picture.objects.filter(product=product).order_by("position", "id").first()
    if picture is None:
        raise BadRequest("image_of", f"The product {product.sku!r} has no picture.")
    try:
        return open_for_encoding(picture, DECODED)
    except PictureError as error:
        raise BadRequest("image_of", f"The picture of {product.sku!r} cannot be read: {error}") from error
