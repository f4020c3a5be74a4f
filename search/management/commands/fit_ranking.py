"""Learn the order of hits from judgments or from clicks, and publish it if it is better."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from search.evaluation.judged import judgments_of
from search.evaluation.relevance import JudgmentsError, read_judgments
from search.query import SearchError
from search.ranking import clicks, judged
from search.ranking.groups import Group
from search.ranking.learning import LearningError, Outcome, from_clicks, learn
from search.ranking.ranker import RankerError


class Command(BaseCommand):
    help = "Fit fusion weights and a ranker to this shop's catalogue, and publish what wins on held-out queries."

    def add_arguments(self, parser: ArgumentParser) -> None:
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--data", type=Path, help="folder with judgments.csv (query,sku,grade) of this catalogue")
        source.add_argument("--judgments", metavar="SET", help="a set that was judged in the admin")
        source.add_argument("--clicks", action="store_true", help="learn from what visitors clicked and bought")
        parser.add_argument("--days", type=int, default=clicks.DAYS, help="of the log that clicks are read from")
        parser.add_argument("--only", choices=("fusion", "ranker"), help="fit one of the two")
        parser.add_argument("--keep-back", action="store_true", help="measure and keep, but publish nothing")
        parser.add_argument("--seed", type=int, default=0, help="of the split into five parts")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, data: Path | None, only: str | None, seed: int, keep_back: bool, **options: Any) -> None:
        try:
            by_people = data or options["judgments"]
            groups, source, more = self._judged(data, options) if by_people else from_clicks(options["days"])
            outcomes = learn(
                groups,
                source,
                kinds=(only,) if only else ("fusion", "ranker"),  # type: ignore[arg-type]
                publish=not keep_back,
                seed=seed,
                more=more,
                say=self.stderr.write,
            )
        except (JudgmentsError, LearningError, RankerError, SearchError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({each.version.kind: each.as_json() for each in outcomes}))
        else:
            for outcome in outcomes:
                self._show(outcome)

    def _judged(self, data: Path | None, options: dict[str, Any]) -> tuple[list[Group], str, dict[str, Any]]:
        judgments = read_judgments(data / "judgments.csv") if data else judgments_of(options["judgments"])
        quiet = options["verbosity"] == 0
        groups = judged.from_judgments(judgments, lambda queries: tqdm(queries, unit="query", disable=quiet or None))
        return groups, f"Judgments of {len(groups)} queries", {}

    def _show(self, outcome: Outcome) -> None:
        told = outcome.as_json()
        against = outcome.against_plain
        self.stdout.write(f"{outcome.version}: {outcome.version.note}")
        self.stdout.write(
            f"  nDCG@10 {told['held_out_ndcg@10']:.4f} held out, {told['plain_ndcg@10']:.4f} plain; better on "
            f"{against.wins} queries, worse on {against.losses}, equal on {against.ties}; p = {against.p:.3f}"
        )
        self.stdout.write(f"  judged hits alone: {outcome.judged_only.difference:+.4f}")
        self.stdout.write(f"  {'live' if outcome.version.live else 'not live'}")
