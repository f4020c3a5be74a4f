"""Which training runs when: asked for, due by the clock, taken by one worker under a lease, and again after a kill.

The rows of `TrainingRun` are the truth. A message to a worker may be lost: the schedule asks again.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from catalog.messages import send
from recommend.events.models import Event
from recommend.training.features import Features
from recommend.training.live import read_features
from recommend.training.models import ModelVersion, TrainingRun
from recommend.training.versions import clear_workshops, folder_of

log = logging.getLogger(__name__)

State = TrainingRun.State
TASK = "workers.tasks.train"  # by name: recommend knows no workers
FULL, INCREMENTAL, PUBLISH = "full", "incremental", "publish"
MOST_ATTEMPTS = 5  # what kills its worker again and again is given up
# Each update adds a little noise and keeps what an old catalogue taught; a model made from scratch has neither.
UPDATES_UNTIL_FULL = 6


class LeaseLostError(Exception):
    """Another worker has taken the run over, or somebody stopped it."""


def ask_for(kind: str, *, seed: int = 0, version: ModelVersion | None = None) -> TrainingRun:
    """Queue a run and wake a worker; one of the same kind that is waiting already is returned as it is."""
    with transaction.atomic():
        same = TrainingRun.objects.select_for_update().filter(state=State.WAITING, kind=kind, version=version).first()
        run = same or TrainingRun.objects.create(kind=kind, seed=seed, version=version)
        transaction.on_commit(nudge)
    return run


def ask_if_due(now: datetime | None = None) -> TrainingRun | None:
    """Queue the next run by the clock, where events came since the last one. See TRAIN_EVERY_HOURS."""
    now = now or timezone.now()
    clear_workshops()  # also of runs whose worker died before they were stopped or given up: they hold histories
    if not settings.TRAIN_EVERY_HOURS or TrainingRun.objects.active().exists():
        return None
    trained = TrainingRun.objects.exclude(kind=PUBLISH)
    if trained.filter(created_at__gt=now - timedelta(hours=settings.TRAIN_EVERY_HOURS)).exists():
        return None
    last = trained.order_by("-id").values_list("created_at", flat=True).first()
    if last is None and not Event.objects.filter(shopper__isnull=False, product__isnull=False).exists():
        return None
    # By the key, which is indexed: once a minute, all that came since must not be looked through.
    newest = Event.objects.order_by("-pk").values_list("received_at", flat=True).first()
    if newest is None or (last is not None and newest <= last):
        return None
    return ask_for(next_kind())


def next_kind() -> str:
    """An update of the live model where it can be updated, and has not been too often; else a training from scratch."""
    live = ModelVersion.objects.filter(live=True).first()
    if live is None or why_not_incremental(live):
        return FULL
    kinds = list(
        TrainingRun.objects.exclude(kind=PUBLISH)
        .filter(state__in=(State.PUBLISHED, State.KEPT_BACK))
        .values_list("kind", flat=True)[:UPDATES_UNTIL_FULL]
    )
    return INCREMENTAL if len(kinds) < UPDATES_UNTIL_FULL or FULL in kinds else FULL


def why_not_incremental(live: ModelVersion) -> str:
    """Why a version cannot be continued from; empty if it can."""
    if live.name != settings.RECOMMENDER["name"] or live.config != settings.RECOMMENDER["config"]:
        return "the settings ask for another model"
    try:
        same = read_features(folder_of(live)).same_content(Features.current())
    except (OSError, ValueError):
        return "its files are gone"
    return "" if same else "texts and pictures are encoded by another model now"


def claim(only: TrainingRun | None = None) -> TrainingRun | None:
    """Take a run that waits, or one whose worker died, for the length of a lease; None when there is none.

    `only`: no other run than this one.
    """
    now = timezone.now()
    with transaction.atomic():
        # A lease that ends later than one given now would was given by a clock that was ahead.
        over = Q(lease_until__lt=now) | Q(lease_until__gt=now + 2 * _length())
        free = Q(state=State.WAITING) | (Q(state=State.RUNNING) & over)
        # Going live comes before training: somebody waits for it.
        runs = TrainingRun.objects.select_for_update(skip_locked=True).filter(free)
        runs = runs.filter(pk=only.pk) if only else runs
        run = next(iter(sorted(runs, key=lambda run: (run.kind != PUBLISH, run.pk))), None)
        if run is None:
            return None
        attempts = run.progress.get("attempts", 0) + 1
        if attempts > MOST_ATTEMPTS:
            run.state, run.finished_at, run.error = (
                State.FAILED,
                now,
                "The worker died again and again while it trained.",
            )
            run.save(update_fields=["state", "finished_at", "error"])
            return None
        run.state, run.lease_until, run.progress["attempts"] = State.RUNNING, now + _length(), attempts
        run.save(update_fields=["state", "lease_until", "progress"])
    return run


def renew(run: TrainingRun) -> None:
    """Extend the lease. Raises LeaseLostError where it is another's now, or the run was stopped."""
    until = timezone.now() + _length()
    mine = TrainingRun.objects.filter(pk=run.pk, state=State.RUNNING, lease_until=run.lease_until)
    if not mine.update(lease_until=until):
        raise LeaseLostError(f"Run {run.pk} is no longer this worker's.")
    run.lease_until = until


@contextmanager
def kept(run: TrainingRun) -> Iterator[threading.Lock]:
    """Renew the lease from a thread of its own while the block runs: an epoch may take longer than a lease.

    Yields the lock under which `run.lease_until` is read and written.
    """
    lock, ended = threading.Lock(), threading.Event()

    def beat() -> None:
        while not ended.wait(settings.TRAIN_LEASE_SECONDS / 3):
            try:
                with lock:
                    renew(run)
            except LeaseLostError:
                break  # the next report of progress says so
            except DatabaseError:
                log.warning("The lease of run %s could not be renewed", run.pk, exc_info=True)
        connection.close()

    thread = threading.Thread(target=copy_context().run, args=(beat,), name="training-lease", daemon=True)
    thread.start()
    try:
        yield lock
    finally:
        ended.set()
        thread.join()


def stop(run: TrainingRun) -> bool:
    """Have a run end at its next step, or not begin. Returns whether it was still active."""
    active = TrainingRun.objects.active().filter(pk=run.pk)
    return bool(
        active.update(state=State.FAILED, error="Stopped by hand.", finished_at=timezone.now(), lease_until=None)
    )


def nudge() -> None:
    """Wake the training worker; what is lost here costs one sweep."""
    send(TASK)


def _length() -> timedelta:
    return timedelta(seconds=settings.TRAIN_LEASE_SECONDS)
