"""Measure the search against human judgments, in a shop that is thrown away afterwards."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from search.evaluation import report
from search.evaluation.configurations import DEFAULT, MODES, UnknownConfigurationError
from search.evaluation.halves import HALVES, take
from search.evaluation.judged import judgments_of
from search.evaluation.relevance import HEADLINE, Judgments, JudgmentsError, evaluate, read_judgments
from search.evaluation.workspace import StepError, workspace
from search.query import SearchError

SHOWN = ("ndcg@10", "ndcg@10_judged", "mrr", "mrr_judged", "recall@100", "recall@100_judged")


class Command(BaseCommand):
    help = "Measure the search against products.* and judgments.csv (query,sku,grade) of a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, help="folder with products.* and judgments.csv")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        parser.add_argument(
            "--keep", type=Path, metavar="HOME", help="use and keep this folder, so that the next run only measures"
        )
        parser.add_argument(
            "--in-place", action="store_true", help="measure this installation's own catalogue; --data holds judgments"
        )
        parser.add_argument(
            "--judgments", metavar="SET", help="with --in-place: the judgments of this set, made in the admin"
        )
        parser.add_argument("--judge", metavar="NAME", help="with --judgments: those of one judge alone")
        parser.add_argument(
            "--only", action="append", metavar="CONFIGURATION", help="measure this mode or configuration alone"
        )
        parser.add_argument(
            "--compare", action="append", metavar="CONFIGURATION", help="hold this one against --base, query by query"
        )
        parser.add_argument("--base", default=DEFAULT, metavar="CONFIGURATION", help=f"default: {DEFAULT}")
        parser.add_argument("--half", choices=HALVES, help="half of the queries: one to tune on, one to report")
        parser.add_argument("--per-query", action="store_true", help="print a line for each query")
        parser.add_argument("--out", type=Path, metavar="DIR", help="write figures.json and per_query.csv there")

    def handle(self, *, data: Path | None, keep: Path | None, in_place: bool, **options: Any) -> None:
        if options["judgments"] and not in_place:
            raise CommandError("--judgments goes with --in-place: the judgments are in this installation's database.")
        if data is None and not options["judgments"]:
            raise CommandError("Name a folder with --data, or with --in-place a set with --judgments.")
        try:
            judgments = _judgments(data, options)
            told = self._here(judgments, options) if in_place else self._elsewhere(data, keep, options)
        except (JudgmentsError, StepError, SearchError, UnknownConfigurationError) as error:
            raise CommandError(str(error)) from error
        if options["out"]:
            report.write(options["out"], told)
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self._show(told, options["per_query"])

    def _here(self, judgments: Judgments, options: dict[str, Any]) -> dict[str, Any]:
        compared = list(dict.fromkeys(options["compare"] or ()))
        names = options["only"] or (list(MODES) if not compared else [])
        names = list(dict.fromkeys([*names, *([options["base"], *compared] if compared else [])]))
        quiet = options["verbosity"] == 0
        found = evaluate(judgments, lambda queries: tqdm(queries, unit="query", disable=quiet or None), names)
        others = [name for name in compared if name != options["base"]]
        told = found.as_json()
        if compared:
            told["comparisons"] = found.compare(options["base"], others)
        return told | {"per_query": found.per_query(judgments)}

    def _elsewhere(self, data: Path | None, keep: Path | None, options: dict[str, Any]) -> dict[str, Any]:
        if data is None:
            raise CommandError("Name a folder with --data.")
        arguments = ["--base", options["base"], *(["--half", options["half"]] if options["half"] else [])]
        for flag in ("only", "compare"):
            arguments += [part for name in options[flag] or () for part in (f"--{flag}", name)]
        with workspace(keep) as shop:
            shop.fill(data, self.stderr.write)
            return shop.answer("evaluate_search", "--in-place", "--data", str(data.resolve()), *arguments)

    def _show(self, told: dict[str, Any], per_query: bool) -> None:
        left_out = told["queries_without_relevant_product"]
        self.stdout.write(f"{told['queries']} queries; {left_out} more have no relevant product and are left out.\n\n")
        rows = []
        for name, figures in told["by_mode"].items():
            rows.append([_short(name), *(figures[measure] for measure in SHOWN)])
            ends = told["intervals"][name]
            rows.append(["  95 %", *(f"{ends[measure][0]:.3f}–{ends[measure][1]:.3f}" for measure in SHOWN)])
        self.stdout.write(report.table(["", *SHOWN], rows))
        for each in told.get("comparisons", ()):
            low, high = each["interval"]
            self.stdout.write(
                f"\n{each['other']} against {each['base']}, {each['measure']}: {each['difference']:+.4f} "
                f"({low:+.4f} to {high:+.4f}), p = {each['p']:.4f}, corrected {each['p_holm']:.4f}; "
                f"{each['wins']} better, {each['losses']} worse, {each['ties']} alike: {each['verdict']}"
            )
        if per_query:
            names = list(told["by_mode"])
            self.stdout.write("\n")
            lines = [
                [row["query"], row["judged"], *(row[f"{name} {HEADLINE}"] for name in names)]
                for row in told["per_query"]
            ]
            self.stdout.write(report.table(["query", "judged", *map(_short, names)], lines))


def _short(name: str) -> str:
    """A configuration may be written out as JSON."""
    return name if len(name) <= 40 else f"{name[:39]}…"


def _judgments(data: Path | None, options: dict[str, Any]) -> Judgments:
    if options["judgments"]:
        judgments = judgments_of(options["judgments"], judge=options["judge"])
    else:
        judgments = read_judgments((data or Path()) / "judgments.csv")
    return {query: judgments[query] for query in take(judgments, options["half"], str)}
