"""What could be the same product as another: few, whatever the catalogue's size."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from qdrant_client import models

from catalog.models import Picture, Product, ProductCode
from search.index import embeddings
from search.index.client import get_client
from search.index.live import Live, on_live, shape_of
from search.index.schema import IMAGE, TEXT
from search.query.filters import has_id

NEAREST = 10  # by each picture, and by the text
PICTURES = 4  # of a product that are looked at
# A picture that more products have is the shop's "no picture yet", or a logo: it says nothing about any of them.
MOST_SHARING = 12


@dataclass(frozen=True)
class Candidates:
    ids: set[int] = field(default_factory=set)
    same_code: set[int] = field(default_factory=set)
    placeholders: set[str] = field(default_factory=set)  # perceptual hashes
    model_id: str = ""  # of the picture vectors


def candidates_of(product: Product) -> Candidates:
    """By likeness of pictures and text, by equal perceptual hashes, and by equal EANs. Raises VectorStoreError."""
    pictures = list(product.pictures.all())[:PICTURES]
    hashes = Counter(
        Picture.objects.filter(phash__in={picture.phash for picture in pictures})
        .exclude(product=product)
        .values_list("phash", flat=True)[: PICTURES * MOST_SHARING + PICTURES]
    )
    placeholders = {phash for phash, count in hashes.items() if count > MOST_SHARING}
    telling = [picture for picture in pictures if picture.phash not in placeholders]
    equal = Picture.objects.filter(phash__in={picture.phash for picture in telling}).exclude(product=product)
    eans = [code.normalised for code in product.codes.all() if code.kind == ProductCode.Kind.EAN]
    same_code = set(
        ProductCode.objects.filter(kind=ProductCode.Kind.EAN, normalised__in=eans)
        .exclude(product=product)
        .values_list("product_id", flat=True)[:NEAREST]
    )
    model_id, near = on_live(lambda live: _nearest(live, product, telling))
    ids = {*near, *same_code, *equal.values_list("product_id", flat=True)[: PICTURES * MOST_SHARING]}
    return Candidates(ids, same_code, placeholders, model_id)


def _nearest(live: Live, product: Product, pictures: Iterable[Picture]) -> tuple[str, set[int]]:
    """The model of the picture vectors, and the ids of what is nearest by each picture; without one, by the text."""
    shape = shape_of(live.name)
    known = embeddings.lookup(shape.image.model_id, [picture.sha256 for picture in pictures])
    not_variants: list[models.Condition] = [has_id([product.pk])]
    if product.family:
        not_variants.append(models.FieldCondition(key="family", match=models.MatchValue(value=product.family)))
    others = models.Filter(must_not=not_variants)
    asked = [
        models.QueryRequest(query=vector.astype(np.float32).tolist(), using=IMAGE, filter=others, limit=NEAREST)
        for vector in known.values()
    ]
    if not asked:
        asked.append(models.QueryRequest(query=product.pk, using=TEXT, filter=others, limit=NEAREST))
    answers = get_client().query_batch_points(live.name, asked)
    return shape.image.model_id, {int(point.id) for answer in answers for point in answer.points}
