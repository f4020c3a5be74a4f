"""One training run from beginning to end: read the log, train, compare with the live model, publish if better.

Each stage leaves its result in the run's folder before the next begins, and a model that can saves its state within a
stage, so a run that is taken up again after a kill goes on where it was.

    data        the log, cleaned, and the items described; read once
    pretrain    learn from all histories before the held-out events
    fine-tune   a model that can continue learns again from the histories with events in the last TRAIN_RECENT_DAYS
    continue    instead of the two above, in an incremental run: the live model learns what came since
    compare     ask the new and the live model the same questions about the held-out events
    update      if better: learn from the held-out events as well
    crossing    learn what leads to other categories, for complements
    publish     fill the collection of item vectors, move the alias
"""

import inspect
import logging
import shutil
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone

from recommend.models import registry
from recommend.models.base import Progress, Recommender, no_progress
from recommend.models.checkpoint import Checkpoint, whole
from recommend.training import crossings, holdout, queue, versions
from recommend.training.dataset import Dataset, holds_forgotten, read
from recommend.training.figures import figures
from recommend.training.live import CROSSING, Live, load, models_dir
from recommend.training.models import ModelVersion, TrainingRun

log = logging.getLogger(__name__)

State = TrainingRun.State
DAY = 86_400.0
SECONDS_BETWEEN_REPORTS = 1.0
MOST_CURVE = 400  # points of the curve that the admin draws


def work(run: TrainingRun, show: Progress = no_progress) -> TrainingRun:
    """Do a claimed run. What goes wrong is in its row.

    Errors of the database, the store and the disk are raised as well: the run is given back, to go on where it was.
    """
    with queue.kept(run) as lock:
        try:
            _Run(run, lock, show).do()
        except queue.LeaseLostError as error:
            log.warning("%s", error)
        except (versions.VersionError, TrainingError) as error:
            _fail(run, str(error))
        except (MemoryError, ArithmeticError, ValueError, TypeError, LookupError, RuntimeError) as error:
            log.exception("Training %s failed", run.pk)
            _fail(run, f"{type(error).__name__}: {error}")
        except Exception as error:
            reason = f"To be tried again: {type(error).__name__}: {error}"[:2000]
            TrainingRun.objects.active().filter(pk=run.pk).update(lease_until=timezone.now(), error=reason)
            raise
    versions.clear_workshops()
    run.refresh_from_db()
    return run


class TrainingError(Exception):
    """The run cannot be done; the message says why, for the person who asked."""


def _fail(run: TrainingRun, reason: str) -> None:
    TrainingRun.objects.active().filter(pk=run.pk).update(
        state=State.FAILED, error=reason[:2000], finished_at=timezone.now(), lease_until=None
    )


@dataclass
class _Run:
    run: TrainingRun
    lock: threading.Lock
    show: Progress
    reported_at: float = field(default=0.0)

    def do(self) -> None:
        if self.run.kind == queue.PUBLISH:
            if self.run.version is None:
                raise TrainingError("The version to publish is gone.")
            self._publish(self.run.version, "Published by hand")
            return
        version = self.run.version
        if version is None:
            version = self._train()
            TrainingRun.objects.filter(pk=self.run.pk).update(version=version)
            self.run.version = version
        if version.metrics.get("better"):
            self._publish(version, version.note)
        else:
            self._finish(State.KEPT_BACK)
            versions.retire()

    @property
    def folder(self) -> Path:
        return versions.workshop_of(self.run)

    # Training

    def _train(self) -> ModelVersion:
        live = ModelVersion.objects.filter(live=True).first()
        continued = self.run.kind == queue.INCREMENTAL
        if continued and (why := "nothing is live yet" if live is None else queue.why_not_incremental(live)):
            log.info("Run %s trains from scratch: %s", self.run.pk, why)
            self._report("data", 0, 1, {"from_scratch": why})
            continued = False
        dataset, report = self._data(load(live.pk, live.path) if continued and live else None)
        if not len(dataset):
            raise TrainingError("There are no events to learn from.")
        split = dataset.split_at(settings.TRAIN_HELD_OUT)
        known, learned = None, None
        if live is not None and versions.has_files(live):
            split = max(split, _seconds(live.measured_until))
            # What is live may have learned the events that are held out now; its state before the last update has not.
            learned = _seconds(live.trained_until) if _seconds(live.trained_until) < split else None
            known = load(live.pk, live.path, "measured" if learned is None else "model")
        stopping, deciding = holdout.halves(dataset, split, seed=self.run.seed)
        past = dataset.before(split)
        if not len(past):
            raise TrainingError("There are too few events to hold some of them out.")
        if continued and live is not None and known is not None:
            since = _seconds(live.measured_until) if learned is None else learned
            model = self._continue(past, stopping, known.model, since)
        else:
            model = self._learn(past, stopping)
        metrics, note = self._compare(model, past, deciding, known)
        served = model
        if metrics["better"]:
            served = self._fit("update", dataset, None, start=model, recent=dataset.recent(split))
        models = {"model": served, "measured": model}
        crossing, metrics["crossing"] = crossings.learn(dataset, split, self.run.seed, self._report)
        if crossing is not None:
            models[CROSSING] = crossing
        return self._keep(dataset, report, models, metrics, note, split)

    def _data(self, known: Live | None) -> tuple[Dataset, dict[str, Any]]:
        done = self.folder / "data"
        if done.is_dir() and holds_forgotten(*Dataset.load(done)):
            log.info("Run %s begins anew, without whose history was forgotten since it began", self.run.pk)
            shutil.rmtree(self.folder)
        if not done.is_dir():
            self._report("data", 0, 1, {})
            dataset, report = read(known=known, until=timezone.now())
            whole(done, partial(dataset.save, report=report))
        return Dataset.load(done)

    def _learn(self, past: Dataset, questions: holdout.HeldOut) -> Recommender:
        model = self._fit("pretrain", past, questions)
        recent = past.recent(past.until - settings.TRAIN_RECENT_DAYS * DAY)
        if _continues(model) and 0 < len(recent) < len(past):
            return self._fit("fine-tune", past, questions, start=model, recent=recent)
        return model

    def _continue(self, past: Dataset, questions: holdout.HeldOut, start: Recommender, since: float) -> Recommender:
        """Learn what came since the live model; where that is all held out, once more what came lately."""
        recent = past.recent(since)
        recent = recent if len(recent) else past.recent(past.until - settings.TRAIN_RECENT_DAYS * DAY)
        return self._fit("continue", past, questions, start=start, recent=recent)

    def _fit(
        self,
        stage: str,
        data: Dataset,
        questions: holdout.HeldOut | None,
        *,
        start: Recommender | None = None,
        recent: Dataset | None = None,
    ) -> Recommender:
        """Train, or read what was trained before a kill. What a model's `fit` does not take is not given to it."""
        done = self.folder / stage
        if done.is_dir():
            return registry.load(done)
        model = registry.build(settings.RECOMMENDER["name"], **settings.RECOMMENDER["config"])
        checkpoint = Checkpoint(self.folder / f"{stage}.checkpoint")
        extra: dict[str, Any] = {"checkpoint": checkpoint}
        if questions is not None and len(questions):
            extra["held_out"] = lambda: holdout.ask(model, data.items.keys, questions).ndcg
        if start is not None and recent is not None:
            extra |= {"start": start, "recent": recent.interactions()}
        taken = inspect.signature(model.fit).parameters
        fit: Any = model.fit
        fit(
            data.interactions(),
            seed=self.run.seed,
            progress=lambda part, step, steps, figures: self._report(f"{stage}: {part}", step, steps, figures),
            **{name: value for name, value in extra.items() if name in taken},
        )
        whole(done, model.save)
        checkpoint.clear()
        return model

    # Comparison

    def _compare(
        self, model: Recommender, past: Dataset, questions: holdout.HeldOut, known: Live | None
    ) -> tuple[dict[str, Any], str]:
        """The figures of the new and the live model, and in one sentence what follows from them."""
        self._report("compare", 0, 1, {})
        keys = past.items.keys
        common = questions.known_to(keys, known.items.keys) if known else questions
        new = holdout.ask(model, keys, common)
        metrics: dict[str, Any] = {"new": figures(new, past.items, common, past), "live": None, "better": True}
        if known is None:
            return metrics, f"First version: NDCG@{holdout.AT} {new.ndcg:.4f} on {len(common)} held-out events"
        metrics["live_version"] = known.version
        if not len(common):
            return metrics | {"better": False}, f"No event since version {known.version} to compare it on"
        old = holdout.ask(known.model, known.items.keys, common)
        by, error = holdout.difference(new, old)
        metrics |= {
            "live": figures(old, known.items, common, past),
            "difference": round(by, 5),
            "standard_error": round(error, 5),
        }
        metrics["better"] = by > 0
        told = f"NDCG@{holdout.AT} {new.ndcg:.4f}, version {known.version} {old.ndcg:.4f}"
        return metrics, (
            f"{'Better' if by > 0 else 'Not better'} than what is live: {told} ({by:+.4f}, standard error {error:.4f}) "
            f"on the same {len(common)} held-out events"
        )

    # Keeping and publishing

    def _keep(
        self,
        dataset: Dataset,
        report: dict[str, Any],
        models: dict[str, Recommender],
        metrics: dict[str, Any],
        note: str,
        split: float,
    ) -> ModelVersion:
        def write(folder: Path) -> None:
            for part, model in models.items():
                model.save(folder / part)
            shutil.copytree(self.folder / "data" / "items", folder / "items")
            shutil.copy(self.folder / "data" / "features.json", folder / "features.json")

        whole(models_dir() / self.folder.name, write)
        return ModelVersion.objects.update_or_create(
            path=self.folder.name,
            defaults={
                "name": settings.RECOMMENDER["name"],
                "seed": self.run.seed,
                "config": settings.RECOMMENDER["config"],
                "metrics": metrics,
                "cleaning": report,
                "note": note[:300],
                "trained_until": _moment(dataset.until if metrics["better"] else split),
                "measured_until": _moment(split),
            },
        )[0]

    def _publish(self, version: ModelVersion, note: str) -> None:
        versions.publish(version, lambda done, total: self._report("publish", done, total, {}))
        if note not in version.note:  # by hand: what the comparison said stays
            note = f"{note}; {version.note}" if version.note else note
            ModelVersion.objects.filter(pk=version.pk).update(note=note[:300])
        self._finish(State.PUBLISHED)

    def _finish(self, state: str) -> None:
        TrainingRun.objects.active().filter(pk=self.run.pk).update(
            state=state, finished_at=timezone.now(), lease_until=None, error=""
        )
        self.show("done", 1, 1, {})

    def _report(self, stage: str, step: int, steps: int, figures: dict[str, Any]) -> None:
        """Show how far it is. Raises LeaseLostError where the run is no longer this worker's: the way to stop it."""
        self.show(stage, step, steps, figures)
        progress = self.run.progress
        curve = progress.setdefault("curve", [])
        numbers = {name: float(value) for name, value in figures.items() if isinstance(value, (int, float))}
        if numbers and np.isfinite(list(numbers.values())).all():
            curve.append({"stage": stage, "step": step} | {name: round(value, 6) for name, value in numbers.items()})
            progress["curve"] = curve[::2] if len(curve) > MOST_CURVE else curve
        progress |= {"stage": stage, "step": step, "steps": steps, "figures": figures}
        new_stage = step <= 1 or step == steps
        if not new_stage and time.monotonic() - self.reported_at < SECONDS_BETWEEN_REPORTS:
            return
        self.reported_at = time.monotonic()
        with self.lock:
            queue.renew(self.run)
        TrainingRun.objects.filter(pk=self.run.pk).update(progress=progress)


def _continues(model: Recommender) -> bool:
    return "start" in inspect.signature(model.fit).parameters


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
