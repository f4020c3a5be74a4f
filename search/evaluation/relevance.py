"""How well the search ranks, against human judgments of query and product."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from search.evaluation import ranking
from search.evaluation.configurations import DEFAULT, MODES, configured, skus
from search.evaluation.significance import Comparison, compare, holm, interval
from search.query.engine import DEEPEST

DEPTH = DEEPEST[True]  # hits asked for: the judged ones may lie deep
HIGHEST_GRADE = 10
HEADLINE = "ndcg@10"

Judgments = dict[str, dict[str, int]]  # query -> sku -> grade
Figures = dict[str, float]
Watch = Callable[[Sequence[str]], Iterable[str]]  # wraps the queries as they are worked on


class JudgmentsError(Exception):
    """The judgments cannot be read; the message says where and why."""


def read_judgments(path: Path) -> Judgments:
    """Read `query,sku,grade` with a header. A pair that is judged twice keeps its highest grade."""
    judgments: Judgments = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for query, sku, grade in read_rows(file, path.name):
                of_query = judgments.setdefault(query, {})
                of_query[sku] = max(grade, of_query.get(sku, 0))
    except OSError as error:
        raise JudgmentsError(f"{path} cannot be read: {error}") from error
    except (UnicodeDecodeError, csv.Error, AttributeError) as error:
        raise JudgmentsError(f"{path} cannot be read: {error}") from error
    if not judgments:
        raise JudgmentsError(f"{path.name} holds no judgments.")
    return judgments


def read_rows(lines: Iterable[str], name: str) -> Iterable[tuple[str, str, int]]:
    """Yield (query, sku, grade) of a CSV with a header. Raises JudgmentsError with the line, and csv.Error."""
    rows = csv.DictReader(lines)
    if missing := {"query", "sku", "grade"} - set(rows.fieldnames or ()):
        raise JudgmentsError(f"{name} lacks the column {sorted(missing)[0]!r}.")
    for row in rows:
        grade = _grade(row["grade"], f"{name}, line {rows.line_num}")
        yield row["query"].strip(), row["sku"].strip(), grade


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
    """Figures of each configuration on each query that has a relevant product."""

    queries: list[str]
    left_out: int  # queries without a relevant product
    measured: dict[str, list[Figures]]  # configuration -> figures, query by query

    def mean(self, name: str) -> Figures:
        rows = self.measured[name]
        return {measure: round(fmean(row[measure] for row in rows), 4) for measure in rows[0]}

    def column(self, name: str, measure: str = HEADLINE) -> list[float]:
        return [row[measure] for row in self.measured[name]]

    def intervals(self, name: str) -> dict[str, list[float]]:
        """95 % intervals of the means, by the bootstrap over queries."""
        return {measure: [round(end, 4) for end in interval(self.column(name, measure))] for measure in self.mean(name)}

    def compare(self, before: str, others: Sequence[str], measures: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Hold others against one, on every measure; p is corrected by Holm over all that is compared at once."""
        measures = measures or [HEADLINE, f"{HEADLINE}_judged", "mrr", "recall@100"]
        made: dict[str, tuple[str, str, Comparison]] = {
            f"{other}/{measure}": (other, measure, compare(self.column(before, measure), self.column(other, measure)))
            for other in others
            for measure in measures
        }
        corrected = holm({key: comparison.p for key, (_, _, comparison) in made.items()})
        return [
            {
                "base": before,
                "other": other,
                "measure": measure,
                **comparison.as_json(),
                "p_holm": corrected[key],
                "verdict": comparison.verdict(corrected[key]),
            }
            for key, (other, measure, comparison) in made.items()
        ]

    def per_query(self, judgments: Judgments) -> list[dict[str, Any]]:
        """A row for each query: how many products are judged, and each configuration's figures."""
        return [
            {
                "query": query,
                "judged": len(judgments[query]),
                **{
                    f"{name} {measure}": round(value, 4)
                    for name, rows in self.measured.items()
                    for measure, value in rows[place].items()
                },
            }
            for place, query in enumerate(self.queries)
        ]

    def as_json(self) -> dict[str, Any]:
        by_mode = {name: self.mean(name) for name in self.measured}
        return {
            "queries": len(self.queries),
            **by_mode[DEFAULT if DEFAULT in by_mode else next(iter(by_mode))],
            "by_mode": by_mode,
            "intervals": {name: self.intervals(name) for name in self.measured},
            "queries_without_relevant_product": self.left_out,
        }


def usable(judgments: Judgments) -> list[str]:
    """The queries that have a relevant product. Raises JudgmentsError where none has."""
    found = [query for query, grades in judgments.items() if max(grades.values(), default=0) >= ranking.RELEVANT]
    if not found:
        raise JudgmentsError("No query has a relevant product.")
    return found


def evaluate(judgments: Judgments, progress: Watch = iter, configurations: Sequence[str] = MODES) -> Report:
    """Search for every query under every configuration. Raises JudgmentsError and UnknownConfigurationError."""
    queries = usable(judgments)
    asks = {name: configured(name) for name in configurations}
    measured: dict[str, list[Figures]] = {name: [] for name in asks}
    for query in progress(queries):
        for name, ask in asks.items():
            measured[name].append(measure(skus(ask, query, DEPTH), judgments[query]))
    return Report(queries, len(judgments) - len(queries), measured)


def measure(found: Sequence[str], grades: Mapping[str, int]) -> Figures:
    """All figures of one ranking; with `_judged`, of what is left of it without products that nobody judged."""
    judged = ranking.judged_only(found, grades)
    return {
        "ndcg@10": ranking.ndcg(found, grades, 10),
        "ndcg@10_judged": ranking.ndcg(judged, grades, 10),
        "mrr": ranking.reciprocal_rank(found, grades),
        "mrr_judged": ranking.reciprocal_rank(judged, grades),
        "recall@100": ranking.recall(found, grades, 100),
        "recall@100_judged": ranking.recall(judged, grades, 100),
        "judged@10": len(ranking.judged_only(found[:10], grades)) / 10,
    }
