"""Why a hit is shown, in words that are true of it: read from the parts that made its score, and not thought of after.

Each reason comes with the figures it was read from, which `why` carries to whoever wants to check.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from catalog.models import Product
from recommend.models.base import Scores
from recommend.serving.candidates import Pool, neighbour_part
from recommend.serving.profile import Profile

Told = tuple[str, dict[str, Any]]  # the sentence, and the parts

LOOKED_BACK = 6  # last events that are left out one by one, where the neighbours say nothing: a forward pass for each
LIKED = 2  # products of one brand, store or category in a history, from which on it is said to be liked
SHOWN = 3  # events in `why`


def for_shopper(profile: Profile, pool: Pool, products: Sequence[Product]) -> dict[int, Told]:
    """Product id -> why it is shown to this shopper. One query for the titles of the history at most."""
    told: dict[int, Told] = {}
    silent = []
    spoken = _neighbours(profile, products)
    for product in products:
        parts = pool.parts[product.pk]
        if "model" in parts or "vector" in parts:
            because = _because(profile, spoken[product.pk], parts, "neighbours") if product.pk in spoken else None
            if because:
                told[product.pk] = because
            else:
                silent.append(product)
        elif "basket" in parts or "content" in parts:
            told[product.pk] = _counts(profile, product, parts)
        else:
            told[product.pk] = popular(product, parts)
    drops = _left_out(profile, silent)
    for product in silent:
        told[product.pk] = drops.get(product.pk) or _affinity(profile, product, pool.parts[product.pk])
    return told


def popular(product: Product, parts: dict[str, Any]) -> Told:
    if "popularity" in parts:
        where = product.category.name if product.category else "the shop"
        return f"Popular in {where} lately", dict(parts)
    return "Among the newest in the shop", dict(parts)


def _neighbours(profile: Profile, products: Sequence[Product]) -> dict[int, Scores]:
    """Product id -> (events,) what each event adds to the score by what others took near it."""
    live = profile.live
    part = neighbour_part(live.model) if live else None
    known = [product.pk for product in products if live and product.pk in live.rows]
    if live is None or part is None or not known or not len(profile.history):
        return {}
    rows = np.array([live.rows[id] for id in known], np.int64)
    return dict(zip(known, part.contributions(profile.history, rows), strict=True))


def _left_out(profile: Profile, products: Sequence[Product]) -> dict[int, Told]:
    """By how much the score of the vector falls when one event of the history had not been."""
    live, history = profile.live, profile.history
    among = [product for product in products if live and product.pk in live.rows]
    if live is None or live.vectors is None or not among or len(history) < 2:
        return {}
    first = max(len(history) - LOOKED_BACK, 0)
    shorter = [np.delete(history, at) for at in range(first, len(history))]
    at_once = getattr(live.vectors, "user_vectors", None)
    whole = live.vectors.user_vector(history)
    without = at_once(shorter) if at_once else np.stack([live.vectors.user_vector(each) for each in shorter])
    items = live.item_vectors[[live.rows[product.pk] for product in among]]
    drops = np.zeros((len(among), len(history)), np.float32)
    drops[:, first:] = items @ (whole - without).T
    told = {}
    for product, adds in zip(among, drops, strict=True):
        if spoken := _because(profile, adds, {}, "left_out"):
            told[product.pk] = spoken
    return told


def _because(profile: Profile, adds: Scores, parts: dict[str, Any], name: str) -> Told | None:
    """Name the event that adds most, if it adds anything and its product can still be named."""
    by_product: dict[int, float] = {}
    for event, added in zip(profile.events, adds.tolist(), strict=True):
        if event.product_id in profile.remembered:
            by_product[event.product_id] = by_product.get(event.product_id, 0.0) + added
    strongest = sorted(by_product, key=lambda id: -by_product[id])[:SHOWN]
    if not strongest or by_product[strongest[0]] <= 0:
        return None
    figures = {profile.remembered[id].sku: round(by_product[id], 5) for id in strongest if by_product[id] > 0}
    return f"Because {profile.deed(strongest[0])}", {**parts, name: figures}


def _counts(profile: Profile, product: Product, parts: dict[str, Any]) -> Told:
    """Without a model: the product of the history that speaks most, by baskets or by likeness."""
    named: dict[str, dict[str, float]] = {}
    best: tuple[float, str, int] | None = None
    for part in ("basket", "content"):
        for anchor, weight in parts.get(part, {}).items():
            if anchor in profile.remembered:
                named.setdefault(part, {})[profile.remembered[anchor].sku] = weight
                best = max(best or (0.0, "", 0), (weight, part, anchor))
    if best is None or not best[1]:
        return _affinity(profile, product, named)
    _, part, anchor = best
    deed = profile.deed(anchor)
    title = profile.remembered[anchor].title
    return (f"Often bought with {title}" if part == "basket" else f"Because {deed}"), named


def _affinity(profile: Profile, product: Product, parts: dict[str, Any]) -> Told:
    """What the history and the product have in common; what is always true otherwise."""
    if found := liked(profile, product):
        return found[0], {**parts, **found[1]}
    latest = next((id for id in reversed(profile.last) if id in profile.remembered), None)
    if latest is None:
        return "Picked for you", dict(parts)
    return "Picked from what you looked at lately", {**parts, "latest": profile.remembered[latest].sku}


def liked(profile: Profile, product: Product) -> Told | None:
    """A brand or category that comes up again and again in the history, and that the product is of."""
    known = profile.remembered.values()
    brands = Counter[int | None](each.brand_id for each in known if each.brand_id)
    if product.brand and brands[product.brand_id] >= LIKED:
        return f"From {product.brand.name}, a brand you like", {"brand": brands[product.brand_id]}
    categories = Counter[int | None](each.category_id for each in known if each.category_id)
    if product.category and categories[product.category_id] >= LIKED:
        name = product.category.name
        return f"In {name}, where you have been looking", {"category": categories[product.category_id]}
    return None
