"""Surfaces that need nothing but the products themselves: what is like this one, and what looks like it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from qdrant_client import models

from catalog import selectors
from catalog.models import Category, Product
from recommend.surfaces.base import Answer, Ask, Recommendation
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
    product = ask.anchors[0]
    end = ask.offset + ask.limit
    scores = _nearest(product, end + len(ask.exclude), names)
    found = _served(product, {id: score for id, score in scores.items() if id not in ask.exclude}, end + 1)
    looks = f"Looks like {product.title}"
    hits = [
        Recommendation(
            each,
            scores[each.pk],
            looks if names == (IMAGE,) else _alike(product, each),
            {"near": product.sku, "score": scores[each.pk], "by": list(names)},
        )
        for each in found[ask.offset : end]
    ]
    return Answer(hits, more=len(found) > end)


def _nearest(product: Product, limit: int, names: Sequence[str]) -> dict[int, float]:
    """Product id -> score. With one vector it is the cosine, with several their fused reciprocal ranks."""
    return on_live(lambda live: _ask(live, product, limit, names))


def _ask(live: Live, product: Product, limit: int, names: Sequence[str]) -> dict[int, float]:
    points = get_client().retrieve(live.name, [product.pk], with_payload=False, with_vectors=list(names))
    stored: Mapping[str, Any] = points[0].vector if points and isinstance(points[0].vector, dict) else {}
    given = [name for name in names if stored.get(name)]
    if not given:
        return {}
    requests = [
        models.QueryRequest(query=stored[name], using=name, filter=_candidates(product), limit=limit * SPARE + 10)
        for name in given
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


def _served(product: Product, scores: Mapping[int, float], limit: int) -> list[Product]:
    """What the database says can be bought now, in order of score, one of each family."""
    rows = (
        selectors.published_products()
        .filter(Q(stock__gt=0) | Q(variants__stock__gt=0), pk__in=scores)
        .order_by()
        .values_list("pk", "family")
        .distinct()
    )
    families = dict(rows)
    chosen: list[int] = []
    taken = {product.family} - {""}
    for pk in sorted(families, key=lambda pk: (-scores[pk], pk)):
        family = families[pk]
        if pk != product.pk and family not in taken:
            chosen.append(pk)
            taken |= {family} - {""}
    return selectors.products_for_cards(chosen[:limit])


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
