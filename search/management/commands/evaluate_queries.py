"""Measure the search on queries that are made rather than judged: with typing errors, of attributes, in other
languages, and about nothing that is sold.
"""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from search.evaluation import attribute_queries, composed, labels, nonsense, report, typos
from search.evaluation.configurations import DEFAULT, MODES, UnknownConfigurationError
from search.evaluation.halves import HALVES
from search.evaluation.relevance import Judgments, JudgmentsError, read_judgments
from search.evaluation.workspace import StepError, workspace
from search.query import SearchError

KINDS = {
    "typos": "judged queries with one random edit, over three seeds",
    "attributes": "the catalogue's own colours, uses and kinds as queries",
    "composed": "a product's picture and the word of another colour",
    "labels": "the demo shop's labels in German, French, Japanese and Chinese",
    "nonsense": "gibberish and queries about something else, beside real ones",
}


class Command(BaseCommand):
    help = "Measure the search on made queries: " + "; ".join(f"{kind}: {text}" for kind, text in KINDS.items()) + "."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=list(KINDS))
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--demo", action="store_true", help="in the demo shop, made for this")
        where.add_argument("--in-place", action="store_true", help="in this installation's own catalogue")
        parser.add_argument("--data", type=Path, help="folder with products.*, and judgments.csv where it has some")
        parser.add_argument("--keep", type=Path, metavar="HOME", help="use and keep this folder for the shop")
        parser.add_argument("--configuration", default=DEFAULT, help=f"a mode or a kept configuration; {DEFAULT}")
        parser.add_argument("--half", choices=HALVES, help="half of the queries: one to tune on, one to report")
        parser.add_argument("--most", type=int, metavar="N", help="labels: at most so many of each language")
        parser.add_argument("--per-query", action="store_true", help="print a line for each query, the worst first")
        parser.add_argument("--out", type=Path, metavar="DIR", help="write figures.json and per_query.csv there")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, kind: str, **options: Any) -> None:
        try:
            told = self._here(kind, options) if options["in_place"] else self._elsewhere(kind, options)
        except (JudgmentsError, StepError, SearchError, UnknownConfigurationError, labels.LabelsError) as error:
            raise CommandError(str(error)) from error
        if options["out"]:
            report.write(options["out"], told)
        if options["json"]:
            self.stdout.write(json.dumps(told, ensure_ascii=False))
            return
        self.stdout.write(_TABLES[kind](told))
        if options["per_query"]:
            rows = told["per_query"]
            names = list(dict.fromkeys(name for row in rows for name in row))
            self.stdout.write("\n" + report.table(names, [[row.get(name, "") for name in names] for row in rows]))

    def _here(self, kind: str, options: dict[str, Any]) -> dict[str, Any]:
        def progress(queries: Any) -> Any:
            return tqdm(queries, unit="query", disable=options["verbosity"] == 0 or None)

        common = {"half": options["half"], "progress": progress}
        one = {"configuration": options["configuration"]}
        if kind == "typos":
            return typos.evaluate(_judgments(options["data"], needed=True) or {}, **common, **one)
        if kind == "attributes":
            return attribute_queries.evaluate(**common, **one)
        if kind == "composed":
            return composed.evaluate(**common, **one)
        if kind == "nonsense":
            return nonsense.evaluate(_judgments(options["data"]), **common, **one)
        modes = list(dict.fromkeys([options["configuration"], *MODES]))
        packages = settings.HOME / "demo" / "packages"
        return labels.evaluate(packages, configurations=modes, most=options["most"], **common)

    def _elsewhere(self, kind: str, options: dict[str, Any]) -> dict[str, Any]:
        data: Path | None = options["data"]
        demo = options["demo"] or kind == "labels"
        if data is None and not demo:
            raise CommandError("Name a folder with --data, or choose --demo or --in-place.")
        if kind == "typos":
            _judgments(data, needed=True)
        arguments = ["--in-place", "--configuration", options["configuration"]]
        for flag in ("half", "most"):
            arguments += [f"--{flag}", str(options[flag])] if options[flag] else []
        arguments += ["--data", str(data.resolve())] if data else []
        with workspace(options["keep"]) as shop:
            shop.fill(None if demo else data, self.stderr.write)
            return shop.answer("evaluate_queries", kind, *arguments)


def _judgments(data: Path | None, *, needed: bool = False) -> Judgments | None:
    path = (data or Path()) / "judgments.csv"
    if data is not None and (needed or path.is_file()):
        return read_judgments(path)
    if needed:
        raise JudgmentsError("Typing errors are made in judged queries: name a folder with judgments.csv by --data.")
    return None


def _typos(told: dict[str, Any]) -> str:
    low, high = told["ratio_interval"]
    rows = [
        ["nDCG@10 as typed", told["ndcg@10_clean"]],
        ["nDCG@10 with one edit", told["ndcg@10_typos"]],
        *([f"  seed {seed}", value] for seed, value in enumerate(told["ndcg@10_by_seed"])),
        ["share that is kept", told["ratio"]],
        ["  95 %", f"{low:.3f}–{high:.3f}"],
        [f"  of queries from {typos.LONG} letters on", told["ratio_of_long"]],
        ["edited queries without hits", told["without_hits"]],
    ]
    return report.table([f"{told['queries']} queries", ""], rows)


def _attributes(told: dict[str, Any]) -> str:
    rows = [[form, each["queries"], each["p@10"]] for form, each in told["by_form"].items()]
    rows.append(["all", told["queries"], told["p@10"]])
    low, high = told["p@10_interval"]
    return report.table(["asked for", "queries", "P@10"], rows) + f"\n95 %: {low:.3f}–{high:.3f}; {told['relevance']}."


def _composed(told: dict[str, Any]) -> str:
    rows = [
        ["picture and colour", told["p@10"], told["p@10_interval"]],
        ["picture alone", told["p@10_picture_alone"], told["p@10_picture_alone_interval"]],
        ["times as much", told["ratio"], told["ratio_interval"]],
    ]
    return report.table([f"{told['queries']} queries", "P@10", "95 %"], rows) + f"\n{told['relevance']}."


def _labels(told: dict[str, Any]) -> str:
    rows = [
        [language, each["queries"], "yes" if each["in_catalogue"] else "no", *each["r@10"].values()]
        for language, each in told["by_language"].items()
    ]
    names = [f"R@10 {name}" for name in next(iter(told["by_language"].values()))["r@10"]]
    return report.table(["language", "queries", "text in catalogue", *names], rows)


def _nonsense(told: dict[str, Any]) -> str:
    rows = [
        ["gibberish", told["gibberish"]["queries"], told["gibberish"]["nothing_with_explanation"]],
        ["off topic", told["off_topic"]["queries"], told["off_topic"]["nothing_with_explanation"]],
    ]
    first = report.table(["", "queries", "nothing, with an explanation"], rows)
    real = [["real queries", told["real"]["queries"], told["real"]["find_something"]]]
    return f"{first}\n{report.table(['', 'queries', 'find something'], real)}"


_TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "typos": _typos,
    "attributes": _attributes,
    "composed": _composed,
    "labels": _labels,
    "nonsense": _nonsense,
}
