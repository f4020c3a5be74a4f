"""Fit fusion weights and a ranker, measure both on queries that they were not fitted on, and keep them as versions.

Every query is held out once in each of three splits (repeated cross-validation by query): with few queries a lucky
split can make anything look better. A query's figure is the mean of the three. What is measured is a whole recipe,
choices among weights and priors included; the version that is kept is then fitted on all queries. It goes live by
itself only if the 95 % interval of its difference to what is live lies above zero, and to the plain fusion too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from search.evaluation.significance import Comparison, compare
from search.models import RankingVersion
from search.query import fusion
from search.ranking import clicks, fusion_weights, ranker, versions
from search.ranking.features import NAMES
from search.ranking.groups import Group, folds, in_order

FOLDS, SPLITS = 5, 3
CLICKS = "Clicks"  # what the source of such versions begins with
KEPT = 20  # versions that never went live
FEWEST_QUERIES = 20  # below it nothing is published, however it looks
Figures = NDArray[np.float64]  # one a group
Told = Callable[[str], None]


class LearningError(Exception):
    """Nothing can be learned; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """What became of one kind: the version, and how it compares on held-out queries."""

    version: RankingVersion
    plain: float
    held_out: float
    against_plain: Comparison
    against_live: Comparison | None  # None where nothing of the kind is live
    judged_only: Comparison  # the same as against_plain, over what was judged alone

    @property
    def better(self) -> bool:
        against = [self.against_plain, *([self.against_live] if self.against_live else [])]
        return self.against_plain.queries >= FEWEST_QUERIES and all(each.interval[0] > 0 for each in against)

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version.pk,
            "plain_ndcg@10": round(self.plain, 4),
            "held_out_ndcg@10": round(self.held_out, 4),
            "against_plain": self.against_plain.as_json(),
            "against_live": self.against_live.as_json() if self.against_live else None,
            "judged_only": self.judged_only.as_json(),
            "better": self.better,
            "published": self.version.live,
            "note": self.version.note,
        }


def learn(
    groups: Sequence[Group],
    source: str,
    *,
    kinds: Sequence[versions.Kind] = ("fusion", "ranker"),
    publish: bool = True,
    seed: int = 0,
    more: dict[str, Any] | None = None,
    say: Told = lambda sentence: None,
) -> list[Outcome]:
    """Fit, measure, keep, and publish what is better. Raises LearningError and ranker.RankerError.

    `source` says in words what the groups come from; `more` goes into the reports as it is.
    """
    if len({group.query for group in groups}) < FOLDS:
        raise LearningError(f"At least {FOLDS} queries with a relevant hit are needed; there are {len(groups)}.")
    splits = [folds(groups, FOLDS, seed + number) for number in range(SPLITS)]
    outcomes = []
    for kind in kinds:
        say(f"Fitting the {kind} on {len(groups)} searches, {SPLITS} × {FOLDS} times with a part held out …")
        held, judged, made = _fusion(groups, splits) if kind == "fusion" else _ranker(groups, splits)
        outcomes.append(_keep(kind, groups, held, judged, made, source, more or {}))
        outcome = outcomes[-1]
        if outcome.better and publish:
            versions.publish(outcome.version)
    return outcomes


Made = dict[str, Any]  # the columns of a version that hold what was fitted


Splits = Sequence[Sequence[Sequence[int]]]  # split, part, places of groups


def _fusion(groups: Sequence[Group], splits: Splits) -> tuple[Figures, Figures, Made]:
    fusions = fusion_weights.grid(groups)
    figures = fusion_weights.table(groups, fusions)

    def fitted(places: Sequence[int]) -> Callable[[Group], NDArray[np.float64]]:
        chosen = fusions[fusion_weights.best(figures, places)]
        return lambda group: fusion_weights.scores(group, chosen)

    final = fusions[fusion_weights.best(figures, range(len(groups)))]
    return *_held_out(groups, splits, fitted), {"weights": fusion_weights.as_json(final)}


def _ranker(groups: Sequence[Group], splits: Splits) -> tuple[Figures, Figures, Made]:
    def fitted(places: Sequence[int]) -> Callable[[Group], NDArray[np.float64]]:
        trained = ranker.fit([groups[at] for at in places])
        return lambda group: ranker_scores(trained, group)

    final = ranker.fit(groups)
    made = {
        "model": final.to_text(),
        "features": list(NAMES),
        "weights": {"prior": final.prior},
        "report": {"importance": final.importance()},
    }
    return *_held_out(groups, splits, fitted), made


def _held_out(
    groups: Sequence[Group],
    splits: Splits,
    fitted: Callable[[Sequence[int]], Callable[[Group], NDArray[np.float64]]],
) -> tuple[Figures, Figures]:
    """nDCG@10 of each group by what was fitted without it, over all hits and over the judged ones alone."""
    held, judged = np.zeros(len(groups)), np.zeros(len(groups))
    for parts in splits:
        for part in parts:
            score = fitted(sorted(set(range(len(groups))) - set(part)))
            for at in part:
                scores = score(groups[at])
                held[at] += groups[at].ndcg(scores) / len(splits)
                judged[at] += groups[at].ndcg(scores, judged_only=True) / len(splits)
    return held, judged


def ranker_scores(trained: ranker.Ranker, group: Group) -> NDArray[np.float64]:
    """(n,) The order that serving makes of the hits: exact codes first, likeness alone below what has the words."""
    order = np.argsort(-trained.score(group.rows), kind="stable")
    rows = group.rows[order]
    exact = rows[:, NAMES.index("exact")] > 0
    covers = (rows[:, NAMES.index("terms_coverage")] >= fusion.COVERED) | exact
    weak = (rows[:, NAMES.index("terms_rank")] == 0) & ~covers
    last = int(np.flatnonzero(covers)[-1]) if covers.any() else -1
    below = weak & (np.arange(len(rows)) <= last)
    # Exact ones, the rest up to the last that covers the words, then those held below it, then what follows.
    place = np.where(exact, 0, np.where(np.arange(len(rows)) > last, 3, np.where(below, 2, 1)))
    final = order[np.lexsort((np.arange(len(rows)), place))]
    scores = np.zeros(len(rows))
    scores[final] = -np.arange(len(rows))
    return scores


def _keep(
    kind: versions.Kind,
    groups: Sequence[Group],
    held: Figures,
    judged: Figures,
    made: Made,
    source: str,
    more: dict[str, Any],
) -> Outcome:
    plain = [in_order(group) for group in groups]
    figures = np.array([group.ndcg(scores) for group, scores in zip(groups, plain, strict=True)])
    only = np.array([group.ndcg(scores, judged_only=True) for group, scores in zip(groups, plain, strict=True)])
    lived = _of_live(kind, groups)
    report = made.pop("report", {})
    outcome = Outcome(
        version=RankingVersion(kind=kind, source=source[:200], **made),
        plain=float(figures.mean()),
        held_out=float(held.mean()),
        against_plain=_compared(groups, figures, held),
        against_live=_compared(groups, lived, held) if lived is not None else None,
        judged_only=_compared(groups, only, judged),
    )
    version = outcome.version
    version.better, version.note = outcome.better, _why(outcome)
    told = {name: value for name, value in outcome.as_json().items() if name not in ("version", "published", "note")}
    version.report = {**told, "searches": len(groups), "folds": FOLDS, "splits": SPLITS, **report, **more}
    version.save()
    return replace(outcome, version=version)


def _compared(groups: Sequence[Group], before: Figures, after: Figures) -> Comparison:
    """By the means of queries: searches for the same words stand or fall together, so they are one draw."""
    places: dict[str, list[int]] = {}
    for at, group in enumerate(groups):
        places.setdefault(group.query, []).append(at)
    old, new = ([float(column[at].mean()) for at in places.values()] for column in (before, after))
    return compare(old, new)


def _of_live(kind: versions.Kind, groups: Sequence[Group]) -> Figures | None:
    """nDCG@10 of what is live. It may have been fitted on these very queries, which only makes it harder to beat."""
    live = versions.live()
    if kind == "fusion":
        how = live.fusion
        return None if how is None else np.array([group.ndcg(fusion_weights.scores(group, how)) for group in groups])
    trained = live.ranker
    return None if trained is None else np.array([group.ndcg(ranker_scores(trained, group)) for group in groups])


def _why(outcome: Outcome) -> str:
    def told(against: Comparison) -> str:
        low, high = against.interval
        return f"{against.difference:+.4f} nDCG@10 (95 % from {low:+.4f} to {high:+.4f})"

    if outcome.against_plain.queries < FEWEST_QUERIES:
        return f"Kept back: {outcome.against_plain.queries} queries are too few to tell; {FEWEST_QUERIES} are needed."
    if outcome.better:
        return f"Better than the plain fusion on held-out queries: {told(outcome.against_plain)}."
    against = outcome.against_plain if outcome.against_plain.interval[0] <= 0 else outcome.against_live
    beside = "the plain fusion" if against is outcome.against_plain else "what is live"
    return f"Kept back: not better than {beside} on held-out queries, {told(against or outcome.against_plain)}."


def learn_from_clicks_if_due() -> list[Outcome]:
    """Learn from the log of searches, if SEARCH_LEARN_HOURS have passed since and enough queries were clicked.

    Returns nothing where it is not due or there is too little. Keeps the newest KEPT versions that never went live.
    """
    hours = settings.SEARCH_LEARN_HOURS
    newest = RankingVersion.objects.filter(source__startswith=CLICKS).order_by("-created_at").first()
    if hours <= 0 or (newest and newest.created_at > timezone.now() - timedelta(hours=hours)):
        return []
    groups, source, more = from_clicks()
    if len({group.query for group in groups}) < FEWEST_QUERIES:
        return []
    outcomes = learn(groups, source, more=more)
    kept = RankingVersion.objects.filter(published_at=None).order_by("-pk").values_list("pk", flat=True)[:KEPT]
    RankingVersion.objects.filter(published_at=None).exclude(pk__in=list(kept)).delete()
    return outcomes


def from_clicks(days: int = clicks.DAYS) -> tuple[list[Group], str, dict[str, Any]]:
    """Groups of the log, what to call them, and how much each place was taken to be looked at."""
    searches = clicks.read(days)
    propensity = clicks.estimate(searches)
    told = {"eta": propensity.eta, "clicks_for_eta": propensity.clicks}
    groups = clicks.groups_of(searches, propensity)
    return groups, f"{CLICKS} of {len(groups)} searches in {days} days", {"propensity": told}
