"""Queries that many visitors typed: counted from the log, and looked up by their beginnings.

A query counts only with visitors who were seen at least twice. A program that keeps no cookies is somebody new with
each request, and could otherwise make any words popular by itself.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from search.log.clicks import clicks_since
from search.log.rows import normalised
from search.models import LoggedSearch, PopularQuery

MOST_KEPT = 100_000  # the most visited
MOST_ZERO = 0.5  # a query that found nothing more often than that is not suggested
LAST = "\U0010ffff"


@dataclass(frozen=True)
class Popular:
    query: str  # as most visitors typed it
    normalised: str
    visitors: int
    clicks: int


def popular(prefix: str, limit: int = 8) -> list[Popular]:
    """Return queries that begin with `prefix`, those of most visitors first. One query of the database, by index.

    Only what at least SEARCH_POPULAR_VISITORS different visitors typed, what found something, and nothing that was
    hidden in the admin. With an empty prefix, the most popular of all.
    """
    found = suggestible().order_by("-visitors", "-clicks", "normalised")
    start = normalised(prefix)
    if start and connection.vendor == "postgresql":
        found = found.filter(normalised__startswith=start)  # by the index with text_pattern_ops
    elif start:
        found = found.filter(normalised__gte=start, normalised__lt=start + LAST)
    rows = found.values_list("query", "normalised", "visitors", "clicks")[:limit]
    return [Popular(*row) for row in rows]


def suggestible() -> QuerySet[PopularQuery]:
    """The popular queries that may be shown to others."""
    least = settings.SEARCH_POPULAR_VISITORS
    return PopularQuery.objects.filter(hidden=False, visitors__gte=least, zero_share__lte=MOST_ZERO)


def returning_visitors(since: datetime) -> QuerySet[LoggedSearch, dict[str, Any]]:
    """Keys of visitors who came with theirs at least once, for a subquery."""
    # Not `.distinct()`: the database looks for one row of each visitor, by the index.
    return LoggedSearch.objects.filter(happened_at__gte=since, returning=True).values("visitor")


def count_popular(now: datetime | None = None) -> int:
    """Count the last SEARCH_POPULAR_DAYS anew; return how many queries are popular.

    What is hidden stays in the table, also when nobody types it any more.
    """
    now = now or timezone.now()
    since = now - timedelta(days=settings.SEARCH_POPULAR_DAYS)
    searches = LoggedSearch.objects.filter(happened_at__gte=since, happened_at__lt=now, narrowed=False)
    searches = searches.exclude(normalised="").exclude(visitor=None)
    counted = list(
        searches.filter(visitor__in=returning_visitors(since))
        .values("normalised")
        .annotate(
            visitors=Count("visitor", distinct=True),
            count=Count("pk"),
            zero=Count("pk", filter=Q(total=0)),
            last_seen=Max("happened_at"),
        )
        .filter(visitors__gte=settings.SEARCH_POPULAR_VISITORS)
        .order_by("-visitors")[:MOST_KEPT]
    )
    clicks = Counter(each.query for each in clicks_since(since, now) if each.kind == "click") if counted else Counter()
    typed = _most_typed(searches) if counted else {}
    rows = [
        PopularQuery(
            normalised=each["normalised"],
            query=typed.get(each["normalised"], each["normalised"]),
            count=each["count"],
            visitors=each["visitors"],
            clicks=clicks[each["normalised"]],
            zero_share=each["zero"] / each["count"],
            last_seen=each["last_seen"],
        )
        for each in counted
    ]
    with transaction.atomic():
        PopularQuery.objects.bulk_create(
            rows,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["normalised", "shop"],
            update_fields=["query", "count", "visitors", "clicks", "zero_share", "last_seen"],
        )
        _forget_rare({row.normalised for row in rows})
    return len(rows)


def _forget_rare(kept: set[str]) -> None:
    there = PopularQuery.objects.filter(hidden=False).values_list("pk", "normalised")
    rare = [pk for pk, name in there if name not in kept]
    for start in range(0, len(rare), 500):  # a statement holds only so many values
        PopularQuery.objects.filter(pk__in=rare[start : start + 500]).delete()


def _most_typed(searches: QuerySet[LoggedSearch]) -> dict[str, str]:
    """Normalised query -> the form that most searches had."""
    forms = searches.values("normalised", "query").annotate(times=Count("pk")).order_by("times", "query")
    return {each["normalised"]: each["query"] for each in forms.iterator(chunk_size=5000)}
