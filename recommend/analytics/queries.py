"""What was searched for in a period: queries asked most, that find nothing, that are slow, or asked ever more."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Avg, Count, F, Max, Q

from catalog.tenancy import current_shop_id
from recommend.analytics.figures import with_outcome
from recommend.analytics.period import Period
from search.log.popular import returning_visitors
from search.models import LoggedSearch

MOST = 50  # rows of a table
NEXT_SECONDS = 300  # what the same visitor searches within them after a search reformulates it
RECENT_DAYS, BASELINE_DAYS = 7, 28
LEAST_RECENT = 5  # searches, before anything is a trend
SURPRISING = 2.0  # standard deviations above what the baseline lets expect


@dataclass(frozen=True)
class QueryRow:
    query: str
    searches: int
    visitors: int
    clicked: int
    carted: int
    zero: int
    position: float | None  # mean place of the first click, from 1
    took_ms: float
    slowest_ms: float
    last: datetime

    @property
    def click_rate(self) -> float:
        return self.clicked / self.searches

    @property
    def cart_rate(self) -> float:
        return self.carted / self.searches

    @property
    def zero_rate(self) -> float:
        return self.zero / self.searches


@dataclass(frozen=True)
class Reformulation:
    query: str
    then: str
    times: int
    visitors: int
    found_before: float  # share of the first searches that found something
    found_after: float


@dataclass(frozen=True)
class Trend:
    query: str
    recent: int  # searches of the last RECENT_DAYS
    expected: float  # as many as the days before let expect
    surprise: float  # standard deviations between them

    @property
    def factor(self) -> float | None:
        return self.recent / self.expected if self.expected else None


ORDERS = {"top": ("-searches", "normalised"), "zero": ("-zero_", "normalised"), "slow": ("-took_", "normalised")}


def top(period: Period, order: str = "top", most: int = MOST, least: int = 1) -> list[QueryRow]:
    """Queries with what became of them: the most asked, those that found nothing ("zero"), or the slowest ("slow").

    Here and below: of at least so many different visitors, among whom a program or a person that keeps no cookies, who
    is somebody new with each request, does not count. One query of the database each.
    """
    counted = (
        with_outcome(period.searches().exclude(normalised=""))
        .values("normalised")
        .annotate(
            searches=Count("pk"),
            visitors=Count("visitor", distinct=True),
            clicked_=Count("pk", filter=Q(clicked=True)),
            carted_=Count("pk", filter=Q(carted=True)),
            zero_=Count("pk", filter=Q(total=0)),
            position_=Avg(F("first_click") + 1.0),
            took_=Avg("took_ms"),
            slowest_=Max("took_ms"),
            last_=Max("happened_at"),
        )
    )
    if least > 1:
        counted = counted.annotate(known=_known(period.since)).filter(known__gte=least)
    if order == "zero":
        counted = counted.filter(zero_=F("searches"))  # what finds something by now needs nobody's help
    return [
        QueryRow(
            each["normalised"], each["searches"], each["visitors"], each["clicked_"], each["carted_"], each["zero_"],
            each["position_"], each["took_"], each["slowest_"], each["last_"],
        )
        for each in counted.order_by(*ORDERS[order])[:most]
    ]  # fmt: skip


def _known(since: datetime) -> Count:
    return Count("visitor", distinct=True, filter=Q(visitor__in=returning_visitors(since)))


def reformulations(period: Period, most: int = MOST, least: int = 1) -> list[Reformulation]:
    """Which query followed which within five minutes, those of most visitors first (who all kept their key)."""
    conditions = ["shop_id = %s", "happened_at >= %s", "happened_at < %s"]
    values: list[Any] = [current_shop_id(), _adapted(period.since), _adapted(period.until)]
    for name in ("device", "language"):
        if value := getattr(period, name):
            conditions.append(f"{name} = %s")
            values.append(value)
    seconds = (
        "EXTRACT(EPOCH FROM next_at - happened_at)"
        if connection.vendor == "postgresql"
        else "(julianday(next_at) - julianday(happened_at)) * 86400"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _REFORMULATIONS.format(conditions=" AND ".join(conditions), seconds=seconds),
            [*values, NEXT_SECONDS, least, most],
        )
        return [
            Reformulation(query, then, times, visitors, float(before), float(after))
            for query, then, times, visitors, before, after in cursor.fetchall()
        ]


def _adapted(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


_TABLE = connection.ops.quote_name(LoggedSearch._meta.db_table)
# Written out: the query language of the models groups by no window.
_REFORMULATIONS = f"""
    SELECT normalised, next_query, COUNT(*), COUNT(DISTINCT visitor),
        AVG(CASE WHEN total > 0 THEN 1.0 ELSE 0.0 END), AVG(CASE WHEN next_total > 0 THEN 1.0 ELSE 0.0 END)
    FROM (
        SELECT visitor, normalised, total, happened_at,
            LEAD(normalised) OVER next AS next_query,
            LEAD(total) OVER next AS next_total,
            LEAD(happened_at) OVER next AS next_at
        FROM {_TABLE}
        WHERE {{conditions}} AND NOT narrowed AND visitor IS NOT NULL AND normalised <> ''
        WINDOW next AS (PARTITION BY visitor ORDER BY happened_at, id)
    ) AS followed
    WHERE next_query <> normalised AND {{seconds}} <= %s
    GROUP BY normalised, next_query
    HAVING COUNT(DISTINCT visitor) >= %s
    ORDER BY COUNT(DISTINCT visitor) DESC, COUNT(*) DESC, normalised, next_query
    LIMIT %s
"""  # noqa: S608  (names of our own)


def trending(period: Period, most: int = MOST, least: int = 1) -> list[Trend]:
    """Queries asked more in the last RECENT_DAYS of the period than the BASELINE_DAYS before them let expect.

    Counts vary by the root of what is expected (Poisson), and what is expected was counted too. Of what nobody asked
    before, half a search is expected.
    """
    turn = period.until - timedelta(days=RECENT_DAYS)
    start = turn - timedelta(days=BASELINE_DAYS)
    rows = LoggedSearch.objects.filter(happened_at__gte=start, happened_at__lt=period.until, narrowed=False)
    for name in ("device", "language"):
        if value := getattr(period, name):
            rows = rows.filter(**{name: value})
    counted = (
        rows.exclude(normalised="")
        .values("normalised")
        .annotate(
            recent=Count("pk", filter=Q(happened_at__gte=turn)),
            earlier=Count("pk", filter=Q(happened_at__lt=turn)),
        )
        .filter(recent__gte=LEAST_RECENT)
    )
    if least > 1:
        counted = counted.annotate(known=_known(start)).filter(known__gte=least)
    found = []
    for query, recent, earlier in counted.values_list("normalised", "recent", "earlier"):
        expected = max(earlier * RECENT_DAYS / BASELINE_DAYS, 0.5)
        deviation = math.sqrt(expected * (1 + RECENT_DAYS / BASELINE_DAYS))
        found.append(Trend(query, recent, expected, (recent - expected) / deviation))
    rising = [trend for trend in found if trend.surprise >= SURPRISING]
    return sorted(rising, key=lambda trend: (-trend.surprise, trend.query))[:most]
