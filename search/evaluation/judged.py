"""The judgments that people gave in the admin: read as the evaluation takes them, and how far judges agree."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from search.evaluation.relevance import Judgments, JudgmentsError
from search.models import Judgment, JudgmentSet
from search.models.judgments import BEST


def judgments_of(name: str, judge: str | None = None) -> Judgments:
    """The judgments of a set: those of one judge, or of all by their median. Raises JudgmentsError."""
    found = JudgmentSet.objects.filter(name=name).first()
    if found is None:
        known = ", ".join(JudgmentSet.objects.values_list("name", flat=True)) or "none yet"
        raise JudgmentsError(f"There is no set of judgments {name[:60]!r}; there are: {known}.")
    judgments = read(found, judge)
    if not judgments:
        raise JudgmentsError(f"Nothing in {name} is judged yet{f' by {judge}' if judge else ''}.")
    return judgments


def read(judged: JudgmentSet, judge: str | None = None) -> Judgments:
    """query -> sku -> grade. Several judges count by their median, the lower one of two: who doubts, grades down."""
    rows = Judgment.objects.filter(query__set=judged).order_by("query__position", "query_id", "pk")
    if judge:
        rows = rows.filter(judge=judge)
    grades: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for query, sku, grade in rows.values_list("query__text", "sku", "grade"):
        grades[query][sku].append(grade)
    return {query: {sku: median(given) for sku, given in of_query.items()} for query, of_query in grades.items()}


def median(grades: Iterable[int]) -> int:
    ordered = sorted(grades)
    return ordered[(len(ordered) - 1) // 2]


def judges(judged: JudgmentSet) -> list[str]:
    """Who judged anything in a set."""
    return list(Judgment.objects.filter(query__set=judged).order_by("judge").values_list("judge", flat=True).distinct())


def agreement(judged: JudgmentSet) -> list[tuple[str, str, int, float | None]]:
    """(judge, judge, products that both judged, weighted kappa of them) for each pair that has any in common."""
    by_judge: dict[str, dict[tuple[int, str], int]] = defaultdict(dict)
    rows = Judgment.objects.filter(query__set=judged).values_list("judge", "query_id", "sku", "grade")
    for judge, query, sku, grade in rows:
        by_judge[judge][query, sku] = grade
    people = sorted(by_judge)
    pairs = []
    for place, first in enumerate(people):
        for second in people[place + 1 :]:
            common = by_judge[first].keys() & by_judge[second].keys()
            if common:
                pairs.append((first, second, len(common), kappa(by_judge[first], by_judge[second], common)))
    return pairs


def kappa(
    first: Mapping[tuple[int, str], int], second: Mapping[tuple[int, str], int], common: Iterable[tuple[int, str]]
) -> float | None:
    """Cohen's kappa with squared weights (Psychological Bulletin, 1968): 1 is full agreement, 0 what chance gives.

    None where both gave one same grade throughout: then chance agrees as well.
    """
    counts = np.zeros((BEST + 1, BEST + 1))
    for key in common:
        counts[first[key], second[key]] += 1
    shares = counts / counts.sum()
    weights = np.subtract.outer(np.arange(BEST + 1), np.arange(BEST + 1)) ** 2
    by_chance = float((weights * np.outer(shares.sum(axis=1), shares.sum(axis=0))).sum())
    return None if by_chance == 0 else 1 - float((weights * shares).sum()) / by_chance
