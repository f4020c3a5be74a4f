"""The order of hits for one shopper: a hit may move a few places, and no more.

Whose taste it is, and what it says, is not known here: a function that the setting SEARCH_RERANKER names tells it. The
bounds are kept here, whatever it tells.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from search.query.configuration import Configuration
from search.query.fusion import Scored

log = logging.getLogger(__name__)

DEPTH = 240  # hits from the first that can move; nobody's taste matters on page ten
NEUTRAL = 0.5  # the taste for what nothing is known of
PERSONAL = "personal"  # the part's name in an explanation

# From a shopper and product ids to how much each is to their taste, 0 to 1; those it knows nothing of are left out.
Taste = Callable[[Any, Sequence[int]], Mapping[int, float]]


def shopper_of(request: Any) -> Any:
    """Who sends a request, by the function that SEARCH_SHOPPER names; None for strangers, and without the setting."""
    return import_string(settings.SEARCH_SHOPPER)(request) if settings.SEARCH_SHOPPER else None


def reordered(shopper: Any, ranked: Sequence[Scored], configuration: Configuration | None = None) -> list[Scored]:
    """The same hits in this shopper's order. Exact codes stay in front: whoever types one wants that product.

    Each hit that was judged gets a part `personal` with its taste, the weight, and by how many places it moved (up is
    positive). Without a taste the order stays.
    """
    bounds = configuration or Configuration()
    weight, most = bounds.personal_weight, bounds.personal_max_move
    if shopper is None or not settings.SEARCH_RERANKER or weight <= 0 or most < 1:
        return list(ranked)
    exact = next((place for place, each in enumerate(ranked) if "exact" not in each.parts), len(ranked))
    movable = ranked[exact : exact + DEPTH]
    taste: Taste = import_string(settings.SEARCH_RERANKER)
    tastes = taste(shopper, [each.id for each in movable])
    if not tastes:
        return list(ranked)
    order = moved([tastes.get(each.id, NEUTRAL) for each in movable], weight=weight, most=most)
    for place, was in enumerate(order):
        each = movable[was]
        if each.id in tastes:
            each.parts[PERSONAL] = {"score": round(tastes[each.id], 4), "weight": weight, "moved": was - place}
    return [*ranked[:exact], *(movable[was] for was in order), *ranked[exact + DEPTH :]]


def moved(tastes: Sequence[float], *, weight: float, most: int) -> list[int]:
    """Return places before (0 is the first) in the order after; none is further than `most` from where it was.

    A place is worth `1 - weight` for every 2 * `most` places that a hit was further ahead, and `weight` for its taste.
    Each place goes to the worthiest hit that may come so far forward, unless one is there that may not go any further
    back. So at most one is due at each place, and the bound holds for all.
    """
    worth = [(1 - weight) * -place / (2 * most) + weight * taste for place, taste in enumerate(tastes)]
    waiting: list[int] = []
    order: list[int] = []
    entering = 0
    for place in range(len(tastes)):
        while entering < len(tastes) and entering <= place + most:
            waiting.append(entering)
            entering += 1
        # `waiting` stays in the old order, so the first is the one that can be due; of equals the first wins.
        chosen = waiting[0] if waiting[0] <= place - most else max(waiting, key=lambda was: (worth[was], -was))
        waiting.remove(chosen)
        order.append(chosen)
    return order
