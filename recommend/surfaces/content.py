"""Surfaces that need nothing but the products themselves: what is like this one, and what looks like it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from qdrant_client import models

from catalog.models import Category, Product
from recommend.serving.candidates import Pool, newest, popular
from recommend.serving.profile import profile_of
from recommend.serving.reasons import Told
from recommend.serving.serve import serve
from recommend.serving.shelf import Wish
from recommend.surfaces.base import Answer, Ask
from search.documents import attribute_values
from search.index.client import get_client
from search.index.live import Live, on_live
from search.index.schema import IMAGE, TEXT

# Nearest by each vector: enough for a row, though some are of one family and some gone from the shop since they were
# indexed; and for who reads on. Not by the page that is asked for: how many are fused decides on their order.
FIRST, DEEP = 60, 600
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


def of_its_category(ask: Ask) -> Answer:
    """What is popular in the category of the product, then what is new there: in place of what is like it."""
    product = ask.anchors[0]
    category = ask.category or product.category
    if category is None:
        return Answer([])
    wish = Wish.of(replace(ask, category=category))
    pool = popular(wish)
    pool.rest = [partial(newest, wish)]
    return serve(
        wish,
        profile_of(ask),
        pool,
        lambda products: {each.pk: (f"Also in {category.name}", pool.parts[each.pk]) for each in products},
        keep=lambda stand: not stand.family or stand.family != product.family,
    )


def _answer(ask: Ask, names: Sequence[str]) -> Answer:
    product, wish = ask.anchors[0], Wish.of(ask)

    def near(limit: int) -> Pool:
        found = Pool()
        for id, score in nearest([product], limit, names, wish)[product.pk].items():
            found.add(id, score, near=product.sku, by=list(names))
        return found

    pool = near(FIRST)
    if len(pool.scores) >= FIRST:
        pool.rest = [partial(near, DEEP)]

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
    products: Sequence[Product], limit: int, names: Sequence[str] = (TEXT, IMAGE), wish: Wish | None = None
) -> dict[int, dict[int, float]]:
    """For each product (by id) product id -> score: with one vector the cosine, with several fused reciprocal ranks.

    `limit` of each vector are looked at. Two requests to the store.
    """
    roots = {each.pk: each.category.path[: Category.steplen] for each in products if each.category}
    slugs = dict(Category.objects.filter(path__in=set(roots.values())).values_list("path", "slug")) if roots else {}
    within = {}
    for each in products:
        within[each.pk] = _candidates(each, slugs.get(roots.get(each.pk, "")))
        if wish is not None:
            within[each.pk] = models.Filter(must=[within[each.pk], wish.conditions.filter_points()])
    return on_live(partial(_ask, within, limit, names))


def _ask(
    within: Mapping[int, models.Filter], limit: int, names: Sequence[str], live: Live
) -> dict[int, dict[int, float]]:
    points = get_client().retrieve(live.name, list(within), with_payload=False, with_vectors=list(names))
    stored: dict[int, Mapping[str, Any]] = {
        int(each.id): each.vector for each in points if isinstance(each.vector, dict)
    }
    given = [(id, name) for id, of in stored.items() for name in names if of.get(name)]
    requests = [
        models.QueryRequest(query=stored[id][name], using=name, filter=within[id], limit=limit) for id, name in given
    ]
    answers = get_client().query_batch_points(live.name, requests) if requests else []
    found: dict[int, dict[int, float]] = {id: {} for id in within}
    for (id, name), answer in zip(given, answers, strict=True):
        if sum(other == id for other, _ in given) == 1:
            # A product's pictures each find their nearest, and the similarities add up.
            pictures = len(stored[id][name]) if name == IMAGE else 1
            found[id] = {int(point.id): round(float(point.score) / pictures, 6) for point in answer.points}
        else:
            for rank, point in enumerate(answer.points, start=1):
                found[id][int(point.id)] = round(found[id].get(int(point.id), 0.0) + 1 / (RANK_CONSTANT + rank), 6)
    return found


def _candidates(product: Product, department: str | None) -> models.Filter:
    """The same department, in stock, and neither the product nor another colour of it."""
    must: list[models.Condition] = [models.FieldCondition(key="in_stock", match=models.MatchValue(value=True))]
    if department is not None:
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
