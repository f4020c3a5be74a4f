"""Products of running promotions, lifted a few places, and no more than a setting allows."""

from collections.abc import Sequence

from django.conf import settings

from catalog.models import Product
from catalog.selectors import running_promotions
from search.query.fusion import Scored
from search.query.personal import DEPTH, moved

PROMOTION = "promotion"  # the part's name in an explanation
# With this weight a promotion is worth as many places as it may lift by.
WEIGHT = 0.5


def lifted(ranked: Sequence[Scored]) -> list[Scored]:
    """The hits with those under promotion up to SEARCH_PROMOTION_LIFT places further up; exact codes stay in front.

    A promotion of everything lifts nothing. Six queries while the setting is above 0, none at 0.
    """
    most = settings.SEARCH_PROMOTION_LIFT
    first = next((place for place, each in enumerate(ranked) if "exact" not in each.parts), len(ranked))
    movable = list(ranked[first : first + DEPTH])
    if most < 1 or len(movable) < 2:
        return list(ranked)
    promotions = [promotion for promotion in running_promotions() if any(promotion.scope)]
    if not promotions:
        return list(ranked)
    rows = Product.objects.filter(pk__in=[each.id for each in movable]).values_list("pk", "brand_id", "category__path")
    covering = {
        pk: promotion.name
        for pk, brand, path in rows
        for promotion in promotions
        if promotion.covers_row(pk, brand, path or "")
    }
    if not covering:
        return list(ranked)
    order = moved([float(each.id in covering) for each in movable], weight=WEIGHT, most=most)
    for place, before in enumerate(order):
        each = movable[before]
        if each.id in covering and before != place:
            each.parts[PROMOTION] = {"name": covering[each.id], "moved": before - place}
    return [*ranked[:first], *(movable[before] for before in order), *ranked[first + DEPTH :]]
