"""Measure the search against human judgments, in a shop that is thrown away afterwards."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from search.evaluation.relevance import JudgmentsError, evaluate, read_judgments
from search.evaluation.workspace import StepError, workspace
from search.query import SearchError


class Command(BaseCommand):
    help = "Measure the search against products.* and judgments.csv (query,sku,grade) of a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder with products.* and judgments.csv")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        parser.add_argument(
            "--keep", type=Path, metavar="HOME", help="use and keep this folder, so that the next run only measures"
        )
        parser.add_argument(
            "--in-place", action="store_true", help="measure this installation's own catalogue; --data holds judgments"
        )

    def handle(self, *, data: Path, keep: Path | None, in_place: bool, **options: Any) -> None:
        try:
            judgments = read_judgments(data / "judgments.csv")
            if in_place:
                quiet = options["verbosity"] == 0
                report = evaluate(judgments, lambda queries: tqdm(queries, unit="query", disable=quiet or None))
                told = report.as_json()
            else:
                told = self._elsewhere(data, keep)
        except (JudgmentsError, StepError, SearchError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            self._show(told)

    def _elsewhere(self, data: Path, keep: Path | None) -> dict[str, Any]:
        with workspace(keep) as shop:
            for title, arguments in (
                ("Making a database", ["migrate", "--verbosity", "0"]),
                ("Importing the catalogue", ["import_catalog", str(data.resolve())]),
                ("Embedding it", ["embed"]),
            ):
                self.stderr.write(f"{title} …")
                shop.manage(*arguments)
            self.stderr.write("Searching …")
            answer = shop.manage("evaluate_search", "--in-place", "--json", "--data", str(data.resolve()), capture=True)
        result: dict[str, Any] = json.loads(answer.strip().splitlines()[-1])
        return result

    def _show(self, told: dict[str, Any]) -> None:
        left_out = told["queries_without_relevant_product"]
        self.stdout.write(f"{told['queries']} queries; {left_out} more have no relevant product and are left out.")
        names = list(told["by_mode"]["hybrid"])
        self.stdout.write(f"{'':10}" + "".join(f"{name:>16}" for name in names))
        for mode, figures in told["by_mode"].items():
            self.stdout.write(f"{mode:10}" + "".join(f"{figures[name]:16.4f}" for name in names))
