"""Learning from clicks: what is clicked was seen, and what stands further down is seen less.

A click at a place that few look at says more. So each is weighed by one over the propensity of its place (Joachims,
Swaminathan and Schnabel, "Unbiased learning-to-rank with biased feedback", WSDM 2017). Propensities fall as a power of
the place, (1 / place) ** eta, and eta is read off the log itself: a product that was shown for the same words at
several places, because tastes, rules or experiments moved it, is as relevant at each of them, so how its clicks divide
among the places tells how much these are looked at (intervention harvesting: Agarwal et al., "Estimating position
bias without intrusive interventions", WSDM 2019). Given how often it was clicked in all, that division is multinomial
and the relevance drops out, so nothing but eta is left to estimate.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from search.log.clicks import clicks_since
from search.models import LoggedSearch
from search.ranking.groups import Group, K, rows_of

USUAL_ETA = 1.0  # where the log cannot tell (as Joachims et al. simulate, and near what they measured)
FEWEST_CLICKS = 100  # of products seen at several places, for an estimate
LARGEST_WEIGHT = 20.0  # clipped, so that no single click far down decides (their section 5.3)
GRADES = {"click": 1, "cart": 2, "purchase": 3}
DAYS = 90


@dataclass(frozen=True)
class Shown:
    """The first page of one search, with what was done with its hits."""

    query: str  # normalised
    ids: Sequence[int]  # from the first place down
    rows: NDArray[np.float64]  # (n, features)
    grades: NDArray[np.int64]  # (n,) 0 where nothing was done


@dataclass(frozen=True)
class Propensity:
    """How likely a place is looked at, relative to the first."""

    eta: float
    clicks: int  # that it was estimated from; 0: nothing was, and eta is the usual one

    def weights(self, places: int) -> NDArray[np.float64]:
        """(places,) One over the propensity of each, clipped."""
        return np.minimum(np.arange(1, places + 1, dtype=np.float64) ** self.eta, LARGEST_WEIGHT)


def read(days: int = DAYS, until: datetime | None = None) -> list[Shown]:
    """Searches of the log whose features are those of now, with at least one click. Memory grows with the clicks."""
    until = until or timezone.now()
    since = until - timedelta(days=days)
    done: defaultdict[Any, dict[int, int]] = defaultdict(dict)
    for click in clicks_since(since, until):
        grade = GRADES.get(click.kind, 0)
        done[click.search_id][click.product_id] = max(grade, done[click.search_id].get(click.product_id, 0))
    logged = LoggedSearch.objects.filter(happened_at__gte=since, happened_at__lt=until, narrowed=False, picture=False)
    rows = logged.exclude(features=None).exclude(normalised="").order_by("happened_at", "id")
    found = []
    for search_id, query, shown, features in rows.values_list("id", "normalised", "shown", "features").iterator():
        clicked = done.get(search_id)
        if clicked and (read_ := _shown(query, shown, features, clicked)) is not None:
            found.append(read_)
    return found


def _shown(query: str, shown: Sequence[int], features: Any, clicked: dict[int, int]) -> Shown | None:
    grades = np.array([clicked.get(id, 0) for id in shown], dtype=np.int64)
    try:
        rows = rows_of(features, shown)
    except (KeyError, TypeError, ValueError):
        return None  # logged when there were other features
    return Shown(query, shown, rows, grades) if grades.any() and np.isfinite(rows).all() else None


def estimate(searches: Iterable[Shown]) -> Propensity:
    """Eta of the highest likelihood, or the usual one where too few products were seen at several places."""
    views: defaultdict[tuple[str, int], defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    clicks: defaultdict[tuple[str, int], defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    for search in searches:
        for place, (id, grade) in enumerate(zip(search.ids, search.grades.tolist(), strict=True), start=1):
            views[search.query, id][place] += 1
            clicks[search.query, id][place] += bool(grade)
    moved = [
        (np.array(list(seen)), np.array(list(seen.values())), np.array([clicks[key][place] for place in seen]))
        for key, seen in views.items()
        if len(seen) > 1 and any(clicks[key].values())
    ]
    total = int(sum(each[2].sum() for each in moved))
    if total < FEWEST_CLICKS:
        return Propensity(USUAL_ETA, 0)

    def likelihood(eta: float) -> float:
        told = 0.0
        for places, seen, clicked in moved:
            weight = seen * places.astype(np.float64) ** -eta
            told += float((clicked * np.log(weight / weight.sum())).sum())
        return told

    tried = np.arange(0.0, 3.01, 0.05)
    return Propensity(round(float(tried[int(np.argmax([likelihood(eta) for eta in tried]))]), 2), total)


def groups_of(searches: Sequence[Shown], propensity: Propensity) -> list[Group]:
    """What rankers learn from, and are measured by: each click weighs one over the propensity of its place."""
    groups = []
    for search in searches:
        clicked = search.grades > 0
        weights = np.where(clicked, propensity.weights(len(search.ids)), 1.0)
        gains = np.where(clicked, (2.0**search.grades - 1) * weights, 0.0)
        best = np.sort(gains)[::-1][:K]
        groups.append(
            Group(
                query=search.query,
                ids=np.array(search.ids, dtype=np.int64),
                rows=search.rows,
                grades=search.grades,
                weights=weights,
                gains=gains,
                judged=np.ones(len(search.ids), dtype=np.bool_),
                ideal=float((best / np.log2(np.arange(2, len(best) + 2))).sum()),
            )
        )
    return groups
