"""What an experiment has found out so far."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet

from recommend.analytics import statistics
from recommend.analytics.figures import SUMS, Figures, figures_of, with_outcome
from recommend.analytics.statistics import Difference, Interval, Preference, Sample
from recommend.events.models import Event
from search.models import Experiment, LoggedSearch

LEAST = 100  # searches of each arm, or deciding visitors of both, before anything is said
CHUNK = 500
_NOTHING: Any = (None, [], "")


@dataclass(frozen=True)
class Arm:
    name: str  # "a" or "b"
    visitors: int
    figures: Figures
    rate: Interval | None  # of the experiment's metric


@dataclass(frozen=True)
class Result:
    """Of an A/B test: both arms and the difference of their rates."""

    a: Arm
    b: Arm
    difference: Difference | None
    mismatch: float  # probability of so uneven a division of the visitors

    @property
    def is_uneven(self) -> bool:
        return self.mismatch < statistics.MISMATCH

    @property
    def searches(self) -> int:
        return self.a.figures.known + self.b.figures.known

    @property
    def is_enough(self) -> bool:
        return min(self.a.figures.known, self.b.figures.known) >= LEAST

    @property
    def winner(self) -> str:
        """ "a" or "b", or "" while that is not known."""
        if not self.is_enough or self.is_uneven or self.difference is None or not self.difference.interval.is_known:
            return ""
        return "b" if self.difference.interval.value > 0 else "a"

    @property
    def searches_needed(self) -> int | None:
        """How many more would show the difference seen so far, if it is the true one; None if nobody can tell."""
        factor = self.difference.factor_needed if self.difference else None
        return None if factor is None else max(LEAST * 2 - self.searches, round((factor - 1) * self.searches), 0)


@dataclass(frozen=True)
class Interleaved:
    """Of an interleaving: whose hits were clicked more."""

    searches: int
    visitors: int
    clicks_a: int
    clicks_b: int
    clicks_both: int  # on hits that both began with, which say nothing
    preference: Preference

    @property
    def winner(self) -> str:
        interval = self.preference.interval
        if interval is None or self.preference.decided < LEAST or not interval.is_known:
            return ""
        return "b" if interval.value > 0 else "a"

    @property
    def searches_needed(self) -> int | None:
        """How many more searches would show the preference seen so far, if it is the true one."""
        factor, decided = self.preference.factor_needed, self.preference.decided
        if factor is None:
            return None
        visitors = max(LEAST - decided, (factor - 1) * decided, 0)
        return round(visitors * self.searches / decided)


def result(experiment: Experiment) -> Result:
    """Of an experiment of mode split. Four queries."""
    rows = _searches(experiment).filter(narrowed=False)
    counted = {row["arm"]: row for row in with_outcome(rows).values("arm").annotate(**SUMS).order_by()}
    samples = {arm: _sample(rows.filter(arm=arm), experiment.metric) for arm in "ab"}
    arms = [
        Arm(
            arm,
            len(samples[arm].searches),
            figures_of(counted[arm]) if arm in counted else Figures(),
            statistics.rate_interval(samples[arm]),
        )
        for arm in "ab"
    ]
    a, b = arms
    return Result(a, b, statistics.difference(samples["a"], samples["b"]), statistics.mismatch(a.visitors, b.visitors))


def interleaved(experiment: Experiment) -> Interleaved:
    """Of an experiment of mode interleave. Memory goes with the number of visitors who clicked."""
    rows = _searches(experiment).exclude(teams="")
    totals = rows.filter(narrowed=False).aggregate(searches=Count("pk"), visitors=Count("visitor", distinct=True))
    scores: dict[uuid.UUID | None, int] = {}
    clicks = {"a": 0, "b": 0, "-": 0}
    for visitor, team in _credits(experiment):
        clicks[team] += 1
        if team != "-":
            scores[visitor] = scores.get(visitor, 0) + (1 if team == "b" else -1)
    return Interleaved(
        totals["searches"], totals["visitors"], clicks["a"], clicks["b"], clicks["-"],
        statistics.preference(list(scores.values())),
    )  # fmt: skip


def _searches(experiment: Experiment) -> QuerySet[LoggedSearch]:
    """Of visitors; those of nobody known are in no experiment."""
    return LoggedSearch.objects.filter(experiment=experiment, visitor__isnull=False)


def _sample(rows: QuerySet[LoggedSearch], metric: str) -> Sample:
    done = Event.objects.filter(search_id=OuterRef("pk"), kind=metric)
    of_visitors = (
        rows.annotate(done=Exists(done))
        .values("visitor")
        .annotate(searches=Count("pk"), successes=Count("pk", filter=Q(done=True)))
        .order_by("visitor")
        .values_list("searches", "successes")
    )
    counts = np.array(list(of_visitors.iterator(chunk_size=10_000)), np.int64).reshape(-1, 2)
    return Sample(counts[:, 0], counts[:, 1])


def _credits(experiment: Experiment) -> Iterator[tuple[uuid.UUID | None, str]]:
    """Visitor and team ("a", "b" or "-") of each hit that was clicked; each hit of a search once."""
    span = _searches(experiment).aggregate(first=Min("happened_at"), last=Max("happened_at"))
    if span["first"] is None:
        return
    events = (
        Event.objects.filter(
            kind=experiment.metric, search_id__isnull=False, product__isnull=False, happened_at__gte=span["first"]
        )
        .values_list("search_id", "product_id")
        .distinct()
        .order_by("search_id")
        .iterator(chunk_size=5000)
    )
    part: list[tuple[uuid.UUID | None, int | None]] = []
    for event in events:
        part.append(event)
        if len(part) == CHUNK:
            yield from _credited(experiment, part)
            part = []
    yield from _credited(experiment, part)


def _credited(
    experiment: Experiment, part: list[tuple[uuid.UUID | None, int | None]]
) -> Iterator[tuple[uuid.UUID | None, str]]:
    ids = {search_id for search_id, _ in part if search_id}
    rows = _searches(experiment).filter(pk__in=ids).exclude(teams="")
    known: dict[Any, Any] = {pk: rest for pk, *rest in rows.values_list("pk", "visitor", "shown", "teams")}
    for search_id, product in part:
        visitor, shown, teams = known.get(search_id, _NOTHING)
        if product in shown and (place := shown.index(product)) < len(teams):
            yield visitor, teams[place]
