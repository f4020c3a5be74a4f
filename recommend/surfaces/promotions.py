"""Which running promotion matters to whom, with the products that it makes cheaper for this shopper."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import Q

from catalog.models import Product, Promotion
from catalog.selectors import products_for_cards, products_in_scope, running_promotions
from recommend.serving import candidates, reasons
from recommend.serving.profile import Profile, profile_of
from recommend.serving.selection import stretched
from recommend.serving.serve import candidates_for_sale
from recommend.serving.shelf import Wish, left_out
from recommend.surfaces.base import Answer, Ask, Recommendation

SHOWN = 4  # products that make a case
POOL = 400
LISTED = 100  # products named one by one in a promotion, that are looked at
WITHIN = 500  # products of all promoted categories and brands
FADING = 0.7  # of each further product
SHIPPING = 0.05  # what free shipping saves, as a share of the price: nobody knows the parcel yet


def promotions(ask: Ask) -> Answer:
    """Running promotions by how much they save on what this shopper may want.

    One whose window is closed, or that has nothing left that can be bought, is not shown. A fixed number of queries,
    and one more for each promotion none of whose products came up.
    """
    profile, wish = profile_of(ask), Wish.of(ask)
    running = running_promotions(ask.at)
    pool = candidates.for_shopper(profile, wish) if running else candidates.Pool()
    while len(pool.scores) < POOL and pool.fall_back():
        pass
    pool.rest.clear()  # what is promoted is worth more than what is popular
    worth = dict(zip(pool.scores, stretched(np.array([*pool.scores.values()], np.float64)).tolist(), strict=True))
    # What the shopper looked at and did not buy matters most, now that it costs less.
    worth |= dict.fromkeys(profile.last, 1.0)
    for id in _promoted(running, wish):
        worth.setdefault(id, 0.0)
    for id, score in worth.items():
        pool.scores[id] = score
        pool.parts.setdefault(id, {})
    stands = [
        stand
        for found in candidates_for_sale(wish, profile, pool, seen=False, at_once=max(len(worth), 1))
        for stand in found
    ]
    cases = {
        each.pk: [stand.id for stand in stands if each.covers_row(stand.id, stand.brand, stand.path)]
        for each in running
    }
    without = left_out(ask, profile, seen=False)
    for promotion in running:
        if not cases[promotion.pk]:
            found = wish.rows().filter(pk__in=products_in_scope(promotion).values("pk"))
            cases[promotion.pk] = list(found.exclude(pk__in=without).values_list("pk", flat=True)[:SHOWN])
    alive = [promotion for promotion in running if cases[promotion.pk]]
    # Enough of each to tell which saves most, without loading a whole category.
    ids = {id for each in alive for id in cases[each.pk][: 2 * SHOWN]}
    cards = {product.pk: product for product in products_for_cards(sorted(ids))}
    scored = sorted(
        ((_score(each, _cards(cases[each.pk], cards), worth), each) for each in alive),
        key=lambda pair: (-pair[0], -pair[1].starts_at.timestamp(), pair[1].pk),
    )
    end = ask.offset + ask.limit
    page = [(score, each, _cards(cases[each.pk], cards)[:SHOWN]) for score, each in scored[ask.offset : end]]
    told = (
        reasons.for_shopper(profile, pool, [p for _, _, shown in page for p in shown if pool.parts.get(p.pk)])
        if ask.reasons
        else {}
    )
    hits = [
        Recommendation(
            None,
            round(score, 6),
            *_case(profile, each, shown),
            promotion=each,
            products=tuple(
                Recommendation(product, round(worth.get(product.pk, 0.0), 6), *_on(each, product, told.get(product.pk)))
                for product in shown
            ),
        )
        for score, each, shown in page
        if shown
    ]
    return Answer(hits, more=len(scored) > end)


def _promoted(running: Sequence[Promotion], wish: Wish) -> list[int]:
    """Products of the scopes: those that are named, and some of the categories and brands. One query."""
    named = [id for each in running for id in sorted(each.scope.products)[:LISTED]]
    within = Q(pk__in=named)
    for each in running:
        within |= Q(brand__in=each.scope.brands)
        for path in each.scope.category_paths:
            within |= Q(category__path__startswith=path)
    if not running:
        return []
    return list(wish.rows().filter(within).order_by("-published_at", "-pk").values_list("pk", flat=True)[:WITHIN])


def _cards(ids: Sequence[int], cards: dict[int, Product]) -> list[Product]:
    return [cards[id] for id in ids if id in cards]


def _score(promotion: Promotion, products: Sequence[Product], worth: dict[int, float]) -> float:
    return sum(
        FADING**rank * (0.1 + worth.get(product.pk, 0.0)) * (0.5 + saving(promotion, product))
        for rank, product in enumerate(products)
    )


def saving(promotion: Promotion, product: Product) -> float:
    """The share of the price that is saved, 0 to 1."""
    if promotion.kind == Promotion.Kind.PERCENT:
        return float(promotion.value) / 100
    if promotion.kind == Promotion.Kind.AMOUNT:
        return float(min(promotion.value / product.price, Decimal(1))) if product.price else 0.0
    if promotion.kind == Promotion.Kind.BUY_X_GET_Y:
        return promotion.free_quantity / max(promotion.buy_quantity + promotion.free_quantity, 1)
    return SHIPPING


def offer(promotion: Promotion, currency: str) -> str:
    """ "25% off", "3 for 2", … as a reason says it."""
    value = f"{promotion.value.normalize():f}"
    if promotion.kind == Promotion.Kind.PERCENT:
        return f"{value}% off"
    if promotion.kind == Promotion.Kind.AMOUNT:
        return f"{value} {currency} off"
    if promotion.kind == Promotion.Kind.BUY_X_GET_Y:
        return f"{promotion.buy_quantity + promotion.free_quantity} for {promotion.buy_quantity}"
    return "Free shipping"


def _case(profile: Profile, promotion: Promotion, shown: Sequence[Product]) -> tuple[str, dict[str, Any]]:
    first = shown[0]
    told = offer(promotion, first.currency)
    why = {
        "offer": told,
        "saves": round(saving(promotion, first), 4),
        "products": [product.sku for product in shown],
        "seen": [product.sku for product in shown if product.pk in profile.last],
    }
    if first.pk in profile.last and (deed := profile.deed(first.pk)):
        return f"{told} on {first.title}: {deed.replace(first.title, 'it')}", why
    more = f" and {len(shown) - 1} more" if len(shown) > 1 else ""
    return f"{told} on {first.title}{more}", why


def _on(promotion: Promotion, product: Product, told: reasons.Told | None) -> tuple[str, dict[str, Any]]:
    sentence, parts = told or ("", {})
    said = offer(promotion, product.currency)
    return (f"{said}. {sentence}" if sentence else said), {**parts, "saves": round(saving(promotion, product), 4)}
