"""Runs that hold two configurations against each other over many queries: asked for, taken under a lease, worked off.

The rows of `ComparisonRun` are the truth. A message to a worker may be lost: the schedule asks again.
"""

import logging
import math
import time
from collections.abc import Sequence
from datetime import timedelta
from statistics import fmean
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog.messages import send
from search.evaluation import judged, moves, ranking
from search.evaluation.configurations import Named, UnknownConfigurationError
from search.evaluation.relevance import DEPTH, HEADLINE, measure
from search.evaluation.significance import compare, holm, interval
from search.models import ComparisonRun, JudgmentSet, PopularQuery
from search.query import SearchError

log = logging.getLogger(__name__)

TASK = "workers.tasks.compare_searches"  # by name: search knows no workers
LEASE = timedelta(minutes=2)  # renewed with every few queries
SAVED_EVERY = 5  # queries
MOST_POPULAR = 200
MEASURES = (HEADLINE, f"{HEADLINE}_judged", "mrr", "recall@100")
State = ComparisonRun.State


class LeaseLostError(Exception):
    """Somebody stopped the run, or another worker has it."""


def ask_for(
    before: Named, after: Named, judged_set: JudgmentSet | None, *, judge: str = "", by: str = ""
) -> ComparisonRun:
    """Queue a run over a set, or over the most popular queries for None, and wake a worker."""
    with transaction.atomic():
        run = ComparisonRun.objects.create(
            set=judged_set, judge=judge, a=before.as_json(), b=after.as_json(), started_by=by[:150]
        )
        transaction.on_commit(nudge)
    return run


def nudge() -> None:
    """Wake a worker; what is lost here costs one sweep."""
    send(TASK)


def stop(run: ComparisonRun) -> bool:
    """Stop a run that waits or works, at its next query. False where it has ended."""
    active = ComparisonRun.objects.filter(pk=run.pk, state__in=(State.WAITING, State.RUNNING))
    return bool(active.update(state=State.STOPPED, finished_at=timezone.now()))


def claim() -> ComparisonRun | None:
    """Take the oldest run that waits, or whose worker died, for the length of a lease; None when there is none."""
    now = timezone.now()
    # A lease that ends later than one given now would was given by a clock that was ahead.
    over = Q(lease_until__lt=now) | Q(lease_until__gt=now + 2 * LEASE)
    free = Q(state=State.WAITING) | (Q(state=State.RUNNING) & over)
    with transaction.atomic():
        run = ComparisonRun.objects.select_for_update(skip_locked=True).filter(free).order_by("pk").first()
        if run is None:
            return None
        run.state, run.lease_until = State.RUNNING, now + LEASE
        run.save(update_fields=["state", "lease_until"])
    return run


def work(run: ComparisonRun, seconds: float | None = None) -> bool:
    """Ask every query of both, and record what differs. What goes wrong is written into the run.

    After `seconds` the run goes back to those that wait, with what it has; True says so. Raises what nobody foresaw.
    """
    deadline = time.monotonic() + seconds if seconds is not None else math.inf
    try:
        before, after = Named.from_json(run.a), Named.from_json(run.b)
        judgments = judged.read(run.set, run.judge or None) if run.set else {}
        queries = _queries(run)
        if not queries:
            raise UnknownConfigurationError(
                "There is no query to ask yet: a set needs queries, and popular queries need visitors who search."
            )
        rows: list[dict[str, Any]] = list(run.per_query)
        known = {row["query"] for row in rows}
        left = [query for query in queries if query not in known]
        for number, query in enumerate(left):
            if number % SAVED_EVERY == 0:
                _save(run, rows, len(queries))
            if time.monotonic() > deadline:
                _save(run, rows, len(queries))
                _let_go(run)
                return True
            rows.append(_row(before, after, query, judgments.get(query, {})))
    except LeaseLostError:
        return False
    except (SearchError, UnknownConfigurationError) as error:
        _end(run, State.FAILED, error=str(error))
    except Exception as error:
        _end(run, State.FAILED, error=f"The run stopped: {type(error).__name__}. The log has more.")
        raise
    else:
        ordered = sorted(rows, key=_by_difference)
        _end(run, State.DONE, done=len(rows), total=len(rows), summary=summary(rows), per_query=ordered)
    return False


def _queries(run: ComparisonRun) -> list[str]:
    if run.set:
        return list(run.set.queries.values_list("text", flat=True))
    rows = PopularQuery.objects.filter(hidden=False).order_by("-visitors", "-count", "normalised")
    return list(rows.values_list("query", flat=True)[:MOST_POPULAR])


def _row(before: Named, after: Named, query: str, grades: dict[str, int]) -> dict[str, Any]:
    known = max(grades.values(), default=0) >= ranking.RELEVANT
    most = DEPTH if known else 2 * moves.K  # judged products may lie deep
    old, new = ([hit.product.sku for hit in each.ask(query, most).hits] for each in (before, after))
    row = {
        "query": query,
        "changed": round(moves.changed(old, new), 4),
        "reordered": round(moves.reordered(old, new), 4),
        "hits": [len(old), len(new)],
    }
    if known:
        figures = measure(old, grades), measure(new, grades)
        row |= {"judged": len(grades), "a": _rounded(figures[0]), "b": _rounded(figures[1])}
    return row


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(figures[name], 4) for name in MEASURES}


def _by_difference(row: dict[str, Any]) -> tuple[float, float, str]:
    difference = row["b"][HEADLINE] - row["a"][HEADLINE] if "a" in row else 0.0
    return difference, -row["changed"], row["query"]


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over the queries, and on those that are judged each measure with its paired test."""
    known = [row for row in rows if "a" in row]
    told: dict[str, Any] = {
        "queries": len(rows),
        "judged_queries": len(known),
        "changed": fmean(row["changed"] for row in rows) if rows else 0.0,
        "reordered": fmean(row["reordered"] for row in rows) if rows else 0.0,
        "queries_changed": sum(row["reordered"] > 0 for row in rows),
        "without_hits": [sum(not row["hits"][side] for row in rows) for side in (0, 1)],
    }
    if not known:
        return told
    columns = {name: [[row[side][name] for row in known] for side in ("a", "b")] for name in MEASURES}
    made = {name: compare(old, new) for name, (old, new) in columns.items()}
    corrected = holm({name: comparison.p for name, comparison in made.items()})
    told["measures"] = {
        name: {
            "a": fmean(columns[name][0]),
            "b": fmean(columns[name][1]),
            "a_interval": list(interval(columns[name][0])),
            "b_interval": list(interval(columns[name][1])),
            **made[name].as_json(),
            "p_holm": corrected[name],
            "verdict": made[name].verdict(corrected[name]),
        }
        for name in MEASURES
    }
    return told


def _mine(run: ComparisonRun) -> QuerySet[ComparisonRun]:
    return ComparisonRun.objects.filter(pk=run.pk, state=State.RUNNING, lease_until=run.lease_until)


def _save(run: ComparisonRun, rows: list[dict[str, Any]], total: int) -> None:
    until = timezone.now() + LEASE
    if not _mine(run).update(lease_until=until, done=len(rows), total=total, per_query=rows):
        raise LeaseLostError(f"Run {run.pk} was stopped, or is no longer this worker's.")
    run.lease_until = until


def _let_go(run: ComparisonRun) -> None:
    _mine(run).update(state=State.WAITING, lease_until=None)


def _end(run: ComparisonRun, state: str, **fields: Any) -> None:
    _mine(run).update(state=state, finished_at=timezone.now(), lease_until=None, **fields)
