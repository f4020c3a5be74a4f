"""How well the search ranks, against human judgments of query and product."""

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from search.evaluation import ranking
from search.query import SearchRequest, search
from search.query.engine import DEEPEST
from search.query.request import Mode

MODES: tuple[Mode, ...] = ("lexical", "semantic", "hybrid")
DEPTH = DEEPEST[True]  # hits asked for: the judged ones may lie deep
HIGHEST_GRADE = 10

Judgments = dict[str, dict[str, int]]  # query -> sku -> grade


class JudgmentsError(Exception):
    """The judgments cannot be read; the message says where and why."""


def read_judgments(path: Path) -> Judgments:
    """Read `query,sku,grade` with a header. A pair that is judged twice keeps its highest grade."""
    judgments: Judgments = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if missing := {"query", "sku", "grade"} - set(rows.fieldnames or ()):
                raise JudgmentsError(f"{path.name} lacks the column {sorted(missing)[0]!r}.")
            for row in rows:
                grade = _grade(row["grade"], f"{path.name}, line {rows.line_num}")
                of_query = judgments.setdefault(row["query"].strip(), {})
                of_query[row["sku"].strip()] = max(grade, of_query.get(row["sku"].strip(), 0))
    except (OSError, UnicodeDecodeError, csv.Error, AttributeError) as error:
        raise JudgmentsError(f"{path} cannot be read: {error}") from error
    if not judgments:
        raise JudgmentsError(f"{path.name} holds no judgments.")
    return judgments


def _grade(text: str | None, where: str) -> int:
    try:
        grade = int(text or "")
    except ValueError:
        grade = -1
    if not 0 <= grade <= HIGHEST_GRADE:
        raise JudgmentsError(f"{where}: the grade {text!r} is no whole number from 0 to {HIGHEST_GRADE}.")
    return grade


@dataclass(frozen=True)
class Report:
    """Means over the queries that have a relevant product."""

    queries: int
    left_out: int  # queries without a relevant product
    by_mode: dict[str, dict[str, float]]

    def as_json(self) -> dict[str, Any]:
        return {
            "queries": self.queries,
            **self.by_mode["hybrid"],
            "by_mode": self.by_mode,
            "queries_without_relevant_product": self.left_out,
        }


def evaluate(judgments: Judgments, progress: Callable[[Iterable[str]], Iterable[str]] = iter) -> Report:
    """Search for every query in every mode. `progress` wraps the queries as they are worked on."""
    usable = [query for query, grades in judgments.items() if max(grades.values()) >= ranking.RELEVANT]
    if not usable:
        raise JudgmentsError("No query has a relevant product.")
    measured: dict[str, list[dict[str, float]]] = {mode: [] for mode in MODES}
    for query in progress(usable):
        for mode in MODES:
            measured[mode].append(measure(found(query, mode), judgments[query]))
    means = {
        mode: {name: round(fmean(each[name] for each in rows), 4) for name in rows[0]}
        for mode, rows in measured.items()
    }
    return Report(len(usable), len(judgments) - len(usable), means)


def found(query: str, mode: Mode) -> list[str]:
    """The skus that a query finds, best first."""
    result = search(SearchRequest(q=query, mode=mode, facets=(), page_size=DEPTH))
    return [hit.product.sku for hit in result.hits]


def measure(skus: list[str], grades: Mapping[str, int]) -> dict[str, float]:
    return {
        "ndcg@10": ranking.ndcg(skus, grades, 10),
        "ndcg@10_judged": ranking.ndcg(ranking.judged_only(skus, grades), grades, 10),
        "mrr": ranking.reciprocal_rank(skus, grades),
        "recall@100": ranking.recall(skus, grades, 100),
    }
