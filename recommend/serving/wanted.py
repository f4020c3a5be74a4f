"""What the search asks, named by the setting SEARCH_BEHAVIOUR: how much shoppers want products."""

import math
from collections.abc import Collection, Sequence

from django.db.models import Max

from catalog.per_shop import MOST_SHOPS
from recommend.serving.memory import Kept
from recommend.serving.models import Demand

SECONDS = 60.0  # how long it is remembered what the most wanted product has


def wanted(q: str, ids: Sequence[int]) -> dict[int, float]:
    """Product id -> 0 to 1, for those that anybody wanted: on a logarithmic scale up to the most wanted of all.

    What was viewed, clicked, put into carts and bought counts, as `recommend.serving.demand` weighs and ages it; the
    query does not yet. One query, and one more each minute.
    """
    most = _most.of(["all"]).get("all", 0.0)
    if most <= 0:
        return {}
    rows = Demand.objects.filter(product__in=ids, popularity__gt=0).values_list("product_id", "popularity")
    return {id: min(math.log1p(popularity) / math.log1p(most), 1.0) for id, popularity in rows}


def _read(keys: Collection[str]) -> dict[str, float]:
    most = Demand.objects.aggregate(most=Max("popularity"))["most"]
    return dict.fromkeys(keys, float(most or 0.0))


_most: Kept[str, float] = Kept(_read, seconds=SECONDS, most=MOST_SHOPS)
