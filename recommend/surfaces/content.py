"""Surfaces that need nothing but the products themselves: what is like this one, and what looks like it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from qdrant_client import models

from catalog.models import Category, Product
from recommend.serving.candidates import Pool
from recommend.serving.profile import profile_of
from recommend.serving.reasons import Told
from recommend.serving.serve import serve
from recommend.serving.shelf import Wish
from recommend.surfaces.base import Answer, Ask
from search.documents import attribute_values
from search.index.client import get_client
from search.index.live import Live, on_live
from search.index.schema import IMAGE, TEXT

# Asked for beyond what is shown: some are of one family, and some are gone from the shop since they were indexed.
SPARE = 4
RANK_CONSTANT = 60
# What two products are alike in is worth saying only if it is short.
LONGEST_TRAIT = 24
MOST_TRAITS = 3
TRAITS = ("type", "product_type", "material", "product_colour", "colour", "color", "style", "usage", "season")


def similar(ask: Ask) -> Answer:
    """Products whose text, and picture where both have one, are near."""
    return _answer(ask, (TEXT, IMAGE))


def visually_similar(ask: Ask) -> Answer:
    """Products whose best picture is near to one of this product's pictures. None for a product without a picture."""
    return _answer(ask, (IMAGE,))


def _answer(ask: Ask, names: Sequence[str]) -> Answer:
    product, wish = ask.anchors[0], Wish.of(ask)
    pool = Pool()
    for id, score in nearest(product, ask.offset + ask.limit + len(ask.exclude), names, wish).items():
        pool.add(id, score, near=product.sku, by=list(names))

    def tell(products: Sequence[Product]) -> dict[int, Told]:
        looks = f"Looks like {product.title}"
        return {
            each.pk: (looks if names == (IMAGE,) else _alike(product, each), pool.parts[each.pk]) for each in products
        }

    # In the order of likeness: whoever asks for more like this wants the most alike first.
    return serve(
        wish,
        profile_of(ask),
        pool,
        tell,
        vary=False,
        keep=lambda stand: not stand.family or stand.family != product.family,
    )


def nearest(
    product: Product, limit: int, names: Sequence[str] = (TEXT, IMAGE), wish: Wish | None = None
) -> dict[int, float]:
    """Product id -> score. With one vector it is the cosine, with several their fused reciprocal ranks."""
    within = _candidates(product)
    if wish is not None:
        within = models.Filter(must=[within, wish.conditions.filter_points()])
    return on_live(partial(_ask, product, limit, names, within))


def _ask(product: Product, limit: int, names: Sequence[str], within: models.Filter, live: Live) -> dict[int, float]:
    points = get_client().retrieve(live.name, [product.pk], with_payload=False, with_vectors=list(names))
    stored: Mapping[str, Any] = points[0].vector if points and isinstance(points[0].vector, dict) else {}
    given = [name for name in names if stored.get(name)]
    if not given:
        return {}
    requests = [
        models.QueryRequest(query=stored[name], using=name, filter=within, limit=limit * SPARE + 10) for name in given
    ]
    answers = get_client().query_batch_points(live.name, requests)
    if len(answers) == 1:
        # A product's pictures each find their nearest, and the similarities add up.
        pictures = len(stored[given[0]]) if given[0] == IMAGE else 1
        return {int(point.id): round(float(point.score) / pictures, 6) for point in answers[0].points}
    fused: dict[int, float] = {}
    for answer in answers:
        for rank, point in enumerate(answer.points, start=1):
            fused[int(point.id)] = fused.get(int(point.id), 0.0) + 1 / (RANK_CONSTANT + rank)
    return {id: round(score, 6) for id, score in fused.items()}


def _candidates(product: Product) -> models.Filter:
    """The same department, in stock, and neither the product nor another colour of it."""
    must: list[models.Condition] = [models.FieldCondition(key="in_stock", match=models.MatchValue(value=True))]
    if product.category:
        root = product.category.path[: Category.steplen]
        department = Category.objects.filter(path=root).values_list("slug", flat=True).first()
        must.append(models.FieldCondition(key="department", match=models.MatchValue(value=department)))
    must_not: list[models.Condition] = [models.HasIdCondition(has_id=[product.pk])]
    if product.family:
        must_not.append(models.FieldCondition(key="family", match=models.MatchValue(value=product.family)))
    return models.Filter(must=must, must_not=must_not)


def _alike(product: Product, other: Product) -> str:
    """What the two have in common, or only that they are described alike."""
    traits = []
    if product.category_id and product.category_id == other.category_id and product.category:
        traits.append(f"in {product.category.name}")
    if product.brand_id and product.brand_id == other.brand_id and product.brand:
        traits.append(f"by {product.brand.name}")
    theirs = set(attribute_values(other.attributes))
    for name, value in attribute_values(product.attributes):
        if name.casefold() in TRAITS and (name, value) in theirs and len(value) <= LONGEST_TRAIT:
            traits.append(value.lower())
    traits = list(dict.fromkeys(traits))[:MOST_TRAITS]
    return f"Similar to {product.title}: both {', '.join(traits)}" if traits else f"Described much like {product.title}"
