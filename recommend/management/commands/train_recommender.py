"""Train the recommender on the event log, and publish it if it is better than the live one."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from recommend.training import queue, run
from recommend.training.models import TrainingRun
from search.index.errors import VectorStoreError

POLL_SECONDS = 0.5
NUDGE_SECONDS = 10.0
ENDED = (TrainingRun.State.PUBLISHED, TrainingRun.State.KEPT_BACK, TrainingRun.State.FAILED)


class Command(BaseCommand):
    help = (
        "Train the recommender on the event log, compare it with the live one on held-out events, and publish it if it "
        "is better. A run that was killed is taken up again by the training worker. Exits with 1 if it fails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        kind = parser.add_mutually_exclusive_group()
        kind.add_argument("--full", action="store_true", help="From scratch.")
        kind.add_argument("--incremental", action="store_true", help="Continue from the live version.")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--workers", action="store_true", help="Leave the work to a running worker, and only wait.")
        parser.add_argument("--json", action="store_true", help="One JSON object as the last line.")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        kind = queue.FULL if options["full"] else queue.INCREMENTAL if options["incremental"] else queue.next_kind()
        if not options["workers"] and (other := _at_work()):
            raise CommandError(f"A worker is at it already: {other}. --workers waits for it.")
        asked = queue.ask_for(kind, seed=options["seed"])
        with _Bars(quiet=options["json"]) as bars:
            if options["workers"]:
                done = _wait(asked, bars)
            else:
                done = self._work(asked, bars)
        self._tell(done, time.monotonic() - started, as_json=options["json"])

    def _work(self, asked: TrainingRun, bars: "_Bars") -> TrainingRun:
        taken = queue.claim(asked)
        if taken is None:  # a worker was faster
            return _wait(asked, bars)
        try:
            return run.work(taken, bars.show)
        except (VectorStoreError, OSError) as error:
            raise CommandError(f"{error} The training worker takes the run up again.") from error

    def _tell(self, done: TrainingRun, seconds: float, *, as_json: bool) -> None:
        version = done.version
        metrics = version.metrics if version else {}
        if as_json:
            self.stdout.write(
                json.dumps(
                    {
                        "run": done.pk,
                        "kind": done.kind,
                        "state": done.state,
                        "version": version.pk if version else None,
                        "new": metrics.get("new"),
                        "live": metrics.get("live"),
                        "cleaning": version.cleaning if version else None,
                        "note": version.note if version else "",
                        "error": done.error,
                        "seconds": round(seconds, 3),
                    }
                )
            )
        elif version is not None:
            self.stdout.write(f"Version {version.pk} is {done.state} after {seconds:.0f} s. {version.note}.")
        if done.state == TrainingRun.State.FAILED:
            if as_json:
                raise SystemExit(1)
            raise CommandError(done.error)


class _Bars:
    """A progress bar for each stage."""

    def __init__(self, *, quiet: bool) -> None:
        self.disable = True if quiet else None  # None: where stderr is no terminal
        self.stage = ""
        self.bar: tqdm[Any] | None = None

    def __enter__(self) -> "_Bars":
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def show(self, stage: str, step: int, steps: int, figures: dict[str, Any]) -> None:
        if stage != self.stage or self.bar is None:
            if self.bar is not None:
                self.bar.close()
            self.stage, self.bar = stage, tqdm(total=steps, desc=stage, disable=self.disable)
        self.bar.total, self.bar.n = steps, step
        if figures:
            self.bar.set_postfix(figures, refresh=False)
        self.bar.refresh()


def _at_work() -> TrainingRun | None:
    return TrainingRun.objects.filter(state=TrainingRun.State.RUNNING, lease_until__gt=timezone.now()).first()


def _wait(asked: TrainingRun, bars: _Bars) -> TrainingRun:
    """Look on until a worker has ended the run, and wake one now and then, as the schedule does."""
    woken = time.monotonic()
    while True:
        if time.monotonic() - woken > NUDGE_SECONDS:
            woken = time.monotonic()
            queue.nudge()
        asked.refresh_from_db()
        progress = asked.progress
        if "stage" in progress:
            bars.show(progress["stage"], progress["step"], progress["steps"], progress.get("figures", {}))
        if asked.state in ENDED:
            return asked
        time.sleep(POLL_SECONDS)
