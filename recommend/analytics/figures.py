"""How searching went in a period: counts and rates, by day, device and language.

A search is the row of a first page, without filters set or the order changed, and is clicked when a hit of that page
was. A rate of nothing is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from django.db.models import Avg, Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate

from recommend.analytics.period import Period
from recommend.events.models import Event
from search.models import LoggedSearch

Kind = Event.Kind
PERCENTILE = 0.95


@dataclass(frozen=True)
class Figures:
    searches: int = 0
    clicked: int = 0
    carted: int = 0
    bought: int = 0
    zero: int = 0
    known: int = 0  # searches whose visitor agreed: only their clicks can be told
    position: float | None = None  # mean place of the first click, counted from 1
    took_ms: float | None = None

    @property
    def click_rate(self) -> float | None:
        return self.clicked / self.known if self.known else None

    @property
    def cart_rate(self) -> float | None:
        return self.carted / self.known if self.known else None

    @property
    def buy_rate(self) -> float | None:
        return self.bought / self.known if self.known else None

    @property
    def zero_rate(self) -> float | None:
        return self.zero / self.searches if self.searches else None


def with_outcome(searches: QuerySet[LoggedSearch]) -> QuerySet[LoggedSearch]:
    """Add `clicked`, `carted` and `bought`, and `first_click` (the highest place clicked on, from 0)."""
    events = Event.objects.filter(search_id=OuterRef("pk"))
    clicks = events.filter(kind=Kind.CLICK)
    best = clicks.order_by().values("search_id").annotate(best=Min("position")).values("best")
    return searches.annotate(
        clicked=Exists(clicks),
        carted=Exists(events.filter(kind=Kind.CART)),
        bought=Exists(events.filter(kind=Kind.PURCHASE)),
        first_click=Subquery(best),
    )


SUMS: Mapping[str, Any] = {
    "searches": Count("pk"),
    "known_": Count("pk", filter=Q(consent=True)),
    "clicked_": Count("pk", filter=Q(clicked=True)),
    "carted_": Count("pk", filter=Q(carted=True)),
    "bought_": Count("pk", filter=Q(bought=True)),
    "zero_": Count("pk", filter=Q(total=0)),
    "position_": Avg(F("first_click") + 1.0),
    "took_": Avg("took_ms"),
}


def figures(period: Period) -> Figures:
    """All of the period, in one query."""
    return figures_of(with_outcome(period.searches()).aggregate(**SUMS))


def by_day(period: Period) -> dict[date, Figures]:
    """Each day of the period, also those on which nobody searched. One query."""
    rows = with_outcome(period.searches()).annotate(day=TruncDate("happened_at")).values("day").annotate(**SUMS)
    counted = {row["day"]: figures_of(row) for row in rows.order_by("day")}
    return {day: counted.get(day, Figures()) for day in period.days}


def by_column(period: Period, column: str) -> dict[str, Figures]:
    """By `device`, `language`, `surface` or `mode`, the most searched first. One query."""
    rows = with_outcome(period.searches()).values(column).annotate(**SUMS).order_by("-searches", column)
    return {row[column]: figures_of(row) for row in rows[:20]}


def slow_from(period: Period) -> float | None:
    """The 95th percentile of the milliseconds a search took. Two queries."""
    rows = period.rows().order_by("took_ms").values_list("took_ms", flat=True)
    count = rows.count()
    return rows[min(int(count * PERCENTILE), count - 1)] if count else None


def figures_of(row: Mapping[str, Any]) -> Figures:
    """From a row of SUMS."""
    names = {each.name for each in fields(Figures)}
    told = {key.rstrip("_"): value for key, value in row.items()} | {"took_ms": row["took_"]}
    return Figures(**{name: value for name, value in told.items() if name in names})
