"""What goes with a product: learned from baskets and from what shoppers went on to; never another of the same kind."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from catalog.models import Product
from recommend.serving import tables
from recommend.serving.candidates import Pool, neighbour_part
from recommend.serving.models import Companions, Demand
from recommend.serving.profile import Known, Profile, known_products, profile_of
from recommend.serving.reasons import Told
from recommend.serving.serve import serve
from recommend.serving.shelf import Stand, Wish
from recommend.surfaces.base import Answer, Ask
from recommend.surfaces.content import nearest
from search.index.errors import VectorStoreError

log = logging.getLogger(__name__)

Names = dict[int, Product | Known]  # the products that reasons may name, by id
ALIKE = 10  # products like the one looked at, whose companions stand in for its own
LIFTED = 6  # categories gone on to
POPULAR = 30  # products of those
MODEL = 100
# Events known, from which on the crossing model is better than the neighbours; from one to three it is not.
KNOWN = 10


def bought_together(ask: Ask) -> Answer:
    """Products in one basket with this one more often than by chance (`recommend.serving.pairs`)."""
    profile, wish, pool = profile_of(ask), Wish.of(ask), Pool()
    _add_companions(pool, ask.anchors, Companions.Kind.BASKET)
    families = {each.family for each in ask.anchors} - {""}
    named: Names = {each.pk: each for each in ask.anchors}

    def tell(products: Sequence[Product]) -> dict[int, Told]:
        return {product.pk: _together(pool.parts[product.pk], named) for product in products}

    return serve(wish, profile, pool, tell, vary=False, keep=lambda stand: stand.family not in families)


def _together(parts: dict[str, Any], named: Names) -> Told:
    anchor, found = _strongest(parts["basket"])
    times = f"in {found['together']} of {found['alone']} baskets with it"
    return f"Often bought with {named[anchor].title}: {times}", {"basket": _by_sku(parts["basket"], named)}


def complements(ask: Ask) -> Answer:
    """What comes next or together from other categories: of the product itself, by counts and by the live model; of
    what is like it, for a product without a past; and of the categories that shoppers of its category go on to.

    What was counted comes first. The model's neighbours are in the order of `recommend.models.crossing`, where that was
    learned and enough is known of who asks: the cart and the history together.
    """
    profile, wish, pool = profile_of(ask), Wish.of(ask), Pool()
    anchors = ask.anchors
    named: Names = {each.pk: each for each in anchors}
    kinds = [each.category.path for each in anchors if each.category]
    families = {each.family for each in anchors} - {""}

    _add_companions(pool, anchors, Companions.Kind.CROSSING)
    pool.rest = [
        partial(_of_model, profile, anchors),
        partial(_of_alike, anchors, named),
        partial(_of_categories, anchors, wish),
    ]

    def another_kind(stand: Stand) -> bool:
        same = any(stand.path.startswith(path) or path.startswith(stand.path) for path in kinds)
        return bool(stand.path) and not same and stand.family not in families

    def tell(products: Sequence[Product]) -> dict[int, Told]:
        return {product.pk: _goes_with(pool.parts[product.pk], product, named) for product in products}

    return serve(wish, profile, pool, tell, keep=another_kind)


def _add_companions(pool: Pool, anchors: Sequence[Product], kind: str) -> None:
    for anchor, found in tables.companions([each.pk for each in anchors], kind).items():
        for each in found:
            pool.add(each.id, each.g_squared)
            pool.parts[each.id].setdefault(kind, {})[anchor] = _figures(each)


def _figures(found: tables.Companion) -> dict[str, float]:
    return {
        "together": found.together,
        "alone": found.alone,
        "lift": round(found.lift, 2),
        "g_squared": round(found.g_squared, 2),
    }


def _of_model(profile: Profile, anchors: Sequence[Product]) -> Pool:
    """What the live model has seen taken near these; the same kind is sorted out later."""
    pool, live = Pool(), profile.live
    part = neighbour_part(live.model) if live else None
    if live is None or part is None:
        return pool
    for anchor in anchors:
        if anchor.pk in live.rows:
            scores = part.scores_of(np.array([live.rows[anchor.pk]], np.int64))
            for row in np.argsort(-scores, kind="stable")[:MODEL].tolist():
                if scores[row] > 0:
                    id = int(live.items.keys[row])
                    pool.add(id, float(scores[row]))
                    pool.parts[id].setdefault("neighbours", {})[anchor.pk] = round(float(scores[row]), 5)
    here = np.array([live.rows[anchor.pk] for anchor in anchors if anchor.pk in live.rows], np.int64)
    known = np.concatenate([profile.history, here])
    if live.crossing is not None and pool.scores and len(known) >= KNOWN:
        rows = np.array([live.rows[id] for id in pool.scores], np.int64)
        pool.scores = dict(zip(pool.scores, live.crossing.score_candidates(known, rows).tolist(), strict=True))
    return pool


def _of_alike(anchors: Sequence[Product], named: Names) -> Pool:
    """The companions of the products nearest by text and picture, by how near those are; none without the index."""
    pool = Pool()
    near: dict[int, float] = {}
    try:
        for found in nearest(anchors, 5 * ALIKE).values():
            for id, score in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:ALIKE]:
                near[id] = max(near.get(id, 0.0), score)
    except VectorStoreError:
        log.warning("No complements by what is alike", exc_info=True)
    learned = tables.companions(near, Companions.Kind.CROSSING)
    if not learned:
        return pool
    highest = max(near.values())
    for other, product in known_products(learned).items():
        named.setdefault(other, product)
        strongest = learned[other][0].g_squared
        for each in learned[other]:
            pool.add(each.id, near[other] / highest * each.g_squared / strongest)
            pool.parts[each.id].setdefault("alike", {})[other] = _figures(each)
    return pool


def _of_categories(anchors: Sequence[Product], wish: Wish) -> Pool:
    """Popular products of the categories that shoppers of this one go on to more than by chance."""
    pool = Pool()
    names = {each.category_id: each.category.name for each in anchors if each.category and each.category_id}
    for category, found in tables.crossings(names).items():
        strength = {each.id: each for each in found[:LIFTED]}
        rows = Demand.objects.filter(product__in=wish.rows().filter(category__in=strength).values("pk"))
        popular = rows.order_by("-popularity", "pk").values_list("product_id", "product__category_id", "popularity")
        top = 0.0
        for id, other, popularity in popular[:POPULAR]:
            top = top or popularity or 1.0
            crossing = strength[other]
            pool.add(id, crossing.g_squared / found[0].g_squared + popularity / top)
            pool.parts[id]["categories"] = {"from": names[category], **_figures(crossing)}
    return pool


def _goes_with(parts: dict[str, Any], product: Product, named: Names) -> Told:
    if "crossing" in parts:
        anchor, found = _strongest(parts["crossing"])
        shoppers = f"{found['together']} of {found['alone']} shoppers took an interest in both"
        return f"Goes with {named[anchor].title}: {shoppers}", {"crossing": _by_sku(parts["crossing"], named)}
    if "neighbours" in parts:
        anchor = max(parts["neighbours"], key=lambda id: parts["neighbours"][id])
        told = {"neighbours": _by_sku(parts["neighbours"], named)}
        return f"Others who took an interest in {named[anchor].title} took one in this too", told
    if "alike" in parts:
        other, _ = _strongest(parts["alike"])
        return f"Goes with {named[other].title}, which is much like this one", {"alike": _by_sku(parts["alike"], named)}
    there = product.category.name if product.category else ""
    return f"From {parts['categories']['from']}, shoppers often go on to {there}", {"categories": parts["categories"]}


def _strongest(found: dict[int, dict[str, float]]) -> tuple[int, dict[str, float]]:
    return max(found.items(), key=lambda pair: pair[1]["g_squared"])


def _by_sku(found: dict[int, Any], named: Names) -> dict[str, Any]:
    return {named[id].sku: figures for id, figures in found.items()}
