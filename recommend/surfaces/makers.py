"""Stores and brands for this shopper, with the products that made the case."""

from collections import Counter
from collections.abc import Callable
from itertools import chain, islice
from typing import Any

import numpy as np

from catalog.models import Brand, Store
from catalog.selectors import products_for_cards
from recommend.serving import candidates, reasons
from recommend.serving.candidates import Pool
from recommend.serving.profile import Known, Profile, profile_of
from recommend.serving.selection import stretched
from recommend.serving.serve import candidates_for_sale
from recommend.serving.shelf import Stand, Wish
from recommend.surfaces.base import Answer, Ask, Recommendation

SHOWN = 4  # products that make a case
POOL = 400
FADING = 0.7  # of each further product: three good ones are a better case than one, and thirty no better than ten
VISITED = 0.5  # what a product of the history adds, beside the best candidate's 1


def stores(ask: Ask) -> Answer:
    return _makers(ask, Store, lambda stand: stand.store, lambda known: known.store_id)


def brands(ask: Ask) -> Answer:
    return _makers(ask, Brand, lambda stand: stand.brand, lambda known: known.brand_id)


def _makers(
    ask: Ask,
    model: type[Store] | type[Brand],
    of_stand: Callable[[Stand], int],
    of_known: Callable[[Known], int | None],
) -> Answer:
    """Rank by the best products each has for this shopper, and by what the shopper looked at of theirs."""
    profile, wish = profile_of(ask), Wish.of(ask)
    pool = candidates.for_shopper(profile, wish)
    found = chain.from_iterable(candidates_for_sale(wish, profile, pool, seen=False, at_once=POOL))
    stands = list(islice(found, POOL))
    cases: dict[int, list[int]] = {}
    for stand in stands:  # best first
        if of_stand(stand):
            cases.setdefault(of_stand(stand), []).append(stand.id)
    worth = _worth(pool, [stand.id for stand in stands])
    visits = Counter(maker for known in profile.remembered.values() if (maker := of_known(known)))
    scores = {
        maker: sum(worth[id] * FADING**rank for rank, id in enumerate(ids))
        + VISITED * sum(FADING**rank for rank in range(visits[maker]))
        for maker, ids in cases.items()
    }
    end = ask.offset + ask.limit
    order = sorted(scores, key=lambda maker: (-scores[maker], maker))
    shown = order[ask.offset : end]
    products = {
        product.pk: product for product in products_for_cards([id for maker in shown for id in cases[maker][:SHOWN]])
    }
    told = reasons.for_shopper(profile, pool, list(products.values())) if ask.reasons else {}
    named: dict[int, Any] = model._default_manager.in_bulk(shown)
    hits = []
    for maker in shown:
        made = tuple(
            Recommendation(products[id], round(pool.scores[id], 6), *told.get(id, ("", {})))
            for id in cases[maker][:SHOWN]
            if id in products
        )
        if maker in named and made:
            reason, why = _case(profile, made, visits[maker])
            subject = {"store": named[maker]} if model is Store else {"brand": named[maker]}
            hits.append(Recommendation(None, round(scores[maker], 6), reason, why, products=made, **subject))
    return Answer(hits, more=len(order) > end)


def _worth(pool: Pool, ids: list[int]) -> dict[int, float]:
    return dict(zip(ids, stretched(np.array([pool.scores[id] for id in ids], np.float64)).tolist(), strict=True))


def _case(profile: Profile, made: tuple[Recommendation, ...], visits: int) -> tuple[str, dict[str, Any]]:
    why = {"visited": visits, "products": [hit.product.sku for hit in made if hit.product]}
    first = made[0].product.title if made[0].product else ""
    if visits:
        things = "one of its products" if visits == 1 else f"{visits} of its products"
        return f"You took an interest in {things}", why
    if profile.past.seen:
        return f"Has {first} and more that may be for you" if len(made) > 1 else f"Has {first}, for you", why
    return f"Has {first}, popular lately" if "popularity" in made[0].why else f"Has {first}", why
