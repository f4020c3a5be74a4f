"""New products, ranked for this shopper, and some of them to find out whether anybody likes them."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from django.conf import settings

from catalog.models import Product
from recommend.serving import candidates, exposure
from recommend.serving.candidates import Pool
from recommend.serving.profile import Profile, profile_of
from recommend.serving.reasons import Told, liked
from recommend.serving.serve import serve
from recommend.serving.shelf import Wish
from recommend.surfaces.base import Answer, Ask

MOST = 300  # new products that are looked at, the newest
INDIFFERENT = 0.5  # relevance for a stranger, and of what the model cannot tell


def new_arrivals(ask: Ask) -> Answer:
    """Products published within RECOMMEND_NEW_DAYS, by relevance to the shopper times a draw of their click-through."""
    profile, wish = profile_of(ask), Wish.of(ask)
    since = ask.at - timedelta(days=settings.RECOMMEND_NEW_DAYS)
    new = list(
        wish.rows()
        .filter(published_at__gte=since, published_at__lte=ask.at)
        .order_by("-published_at", "-pk")
        .values_list("pk", flat=True)[:MOST]
    )
    relevance = _relevance(profile, wish, new)
    who = str(ask.shopper.key) if ask.shopper else ""
    draws = exposure.drawn(new, who, ask.at).tolist() if new else []
    pool = Pool()
    for id, draw in zip(new, draws, strict=True):
        known = relevance.get(id)
        pool.add(id, draw * (0.5 + (INDIFFERENT if known is None else known)), draw=round(draw, 5))
        if known is not None:
            pool.parts[id]["relevance"] = round(known, 4)

    def tell(products: Sequence[Product]) -> dict[int, Told]:
        return {product.pk: _new(profile, product, pool, ask) for product in products}

    answer = serve(wish, profile, pool, tell, seen=True)
    exposure.shown([hit.product.pk for hit in answer.hits if hit.product])
    return answer


def _relevance(profile: Profile, wish: Wish, new: list[int]) -> dict[int, float]:
    """Product id -> 0..1, its rank among the new ones for this shopper. Empty for strangers."""
    found = candidates.for_shopper(profile, wish, only=new).scores
    if len(found) < 2:
        return {}
    ids = list(found)
    order = np.argsort(np.argsort([found[id] for id in ids], kind="stable"), kind="stable")
    return {id: float(rank) / (len(ids) - 1) for id, rank in zip(ids, order.tolist(), strict=True)}


def _new(profile: Profile, product: Product, pool: Pool, ask: Ask) -> Told:
    parts = pool.parts[product.pk]
    if found := liked(profile, product):
        sentence, counted = found
        if "brand" in counted and product.brand:
            return f"New from {product.brand.name}, a brand you like", {**parts, **counted}
        if product.category:
            return f"New in {product.category.name}, where you have been looking", {**parts, **counted}
        return sentence, {**parts, **counted}
    days = max((ask.at - product.published_at).days, 0) if product.published_at else 0
    when = "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
    where = f" in {product.category.name}" if product.category else ""
    return f"New{where}, since {when}" if days < 2 else f"New{where}: came {when}", {**parts, "days": days}
