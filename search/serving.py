"""A search as visitors get it: in the arm of the experiment that runs, and with a row in the log.

The engine (`search.query`) knows neither. Whatever goes wrong here, the visitor gets the plain search.
"""

import logging
import random
from dataclasses import replace
from typing import Any

from django.conf import settings

from search import query
from search.bulkhead import search_turn
from search.experiments import running
from search.experiments.assignment import arm_of, seed_of
from search.experiments.interleaving import team_draft
from search.experiments.running import Arm
from search.log.rows import normalised, row_of, sampled
from search.log.visitors import Visitor, visitor_of
from search.log.writing import write
from search.models import Experiment
from search.query.request import SearchRequest, SearchResult

log = logging.getLogger(__name__)

DEEPEST_MIXED = 240  # hits of both arms that are looked at: further pages are those of the search as it is


@search_turn()
def serve(http: Any, asked: SearchRequest, *, surface: str) -> SearchResult:
    """Answer a visitor's request. `surface` is "page" or "api".

    The answer's `query` gets the `id` under which the log knows the search, for what is clicked to name it; there is
    none where nothing was asked but filters, and for searches that are not logged. Raises what `search` raises, and
    Overloaded.
    """
    visitor = _visitor(http, asked, surface)
    if visitor is None:
        return query.search(asked)
    # What a ranker is trained on is what it saw when it was asked. Computing it takes its time, so not of every search.
    told = visitor.consent and random.random() < settings.SEARCH_LOG_FEATURES  # noqa: S311
    result, how = _in_experiment(replace(asked, features=told), visitor)
    try:
        row = row_of(asked, result, visitor, surface=surface, **how)
        write(row)
    except Exception:
        log.exception("A search was not logged")
        return result
    return replace(result, query={**result.query, "id": str(row.id)})


def _visitor(http: Any, asked: SearchRequest, surface: str) -> Visitor | None:
    """Whose search is logged; None for what is not."""
    asks = asked.q.strip() or asked.not_q.strip() or asked.pictured
    if settings.SEARCH_LOG_SAMPLE <= 0 or not asks or http.headers.get("Sec-Purpose", "").startswith("prefetch"):
        return None
    try:
        visitor = visitor_of(http, remember=surface == "page")
    except Exception:
        log.exception("It could not be told who searches")
        return None
    return visitor if not visitor.program and sampled(visitor) else None


def _in_experiment(asked: SearchRequest, visitor: Visitor) -> tuple[SearchResult, dict[str, Any]]:
    """The answer, and what the log says of the experiment."""
    met = _met(asked, visitor)
    if met is None:
        return query.search(asked), {}
    experiment, arm, a, b = met
    if experiment.mode == Experiment.Mode.SPLIT:
        return query.search((a if arm == "a" else b).of(asked)), {"experiment": experiment, "arm": arm}
    deepest = asked.page * asked.page_size
    if asked.sort != "relevance" or deepest > DEEPEST_MIXED:
        return query.search(asked), {}
    whole = replace(asked, page=1, page_size=deepest)
    first = query.search(a.of(whole))
    second = query.search(replace(b.of(whole), facets=()))
    mixed, teams = _mixed(asked, first, second, seed_of(experiment.salt, visitor.key, normalised(asked.q)))
    return mixed, {"experiment": experiment, "teams": teams}


def _met(asked: SearchRequest, visitor: Visitor) -> tuple[Experiment, str, Arm, Arm] | None:
    """The experiment that this visitor meets, their arm, and how both arms search."""
    try:
        experiment = running.running() if visitor.key is not None and asked.configuration is None else None
        arm = arm_of(experiment.salt, visitor.key, experiment.share) if experiment and visitor.key else None
        return (experiment, arm, *running.arms(experiment)) if experiment and arm else None
    except Exception:
        log.exception("The experiment that runs could not be used")
        return None


def _mixed(asked: SearchRequest, a: SearchResult, b: SearchResult, seed: int) -> tuple[SearchResult, str]:
    """One page out of the first hits of both arms, and whose each of its hits is."""
    hits = {hit.product.pk: hit for hit in (*b.hits, *a.hits)}
    order, teams = team_draft(
        [hit.product.pk for hit in a.hits], [hit.product.pk for hit in b.hits], asked.page * asked.page_size, seed
    )
    start = (asked.page - 1) * asked.page_size
    mixed = replace(
        a,
        hits=[hits[pk] for pk in order[start:]],
        total=max(a.total, b.total),
        took_ms=round(a.took_ms + b.took_ms, 1),
        features={**(b.features or {}), **(a.features or {})} or None,
    )
    return mixed, teams[start:]
