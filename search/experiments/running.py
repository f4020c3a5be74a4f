"""The experiment that runs, if one does; and how one is started and stopped."""

import logging
import time

from django.db import IntegrityError, transaction
from django.utils import timezone

from search.models import Experiment
from search.query.configuration import Configuration, configuration_of

log = logging.getLogger(__name__)
SECONDS = 5.0  # in which every process has noticed a start or a stop

_known: tuple[float, Experiment | None] | None = None


class ExperimentError(Exception):
    """It cannot be started or stopped; the message is a sentence for who wants to."""


def running() -> Experiment | None:
    """Return the experiment that runs, as it was SECONDS ago at the latest."""
    global _known
    if _known is None or time.monotonic() - _known[0] > SECONDS:
        _known = time.monotonic(), Experiment.objects.filter(state=Experiment.State.RUNNING).first()
    return _known[1]


def forget() -> None:
    """Ask the database again next time."""
    global _known
    _known = None


def configurations(experiment: Experiment) -> tuple[Configuration, Configuration]:
    """The configurations of both arms. Raises ValueError with a sentence."""
    return configuration_of(experiment.a), configuration_of(experiment.b)


def start(experiment: Experiment) -> None:
    """Let visitors meet it. Raises ExperimentError. One that was stopped is not started again: it has its result."""
    try:
        first, second = configurations(experiment)
    except ValueError as error:
        raise ExperimentError(str(error)) from None
    if first == second:
        raise ExperimentError("Both arms search alike, so there is nothing to find out.")
    try:
        with transaction.atomic():
            started = Experiment.objects.filter(pk=experiment.pk, state=Experiment.State.DRAFT).update(
                state=Experiment.State.RUNNING, started_at=timezone.now()
            )
    except IntegrityError:
        raise ExperimentError("Another experiment is running; one at a time, or neither could be told apart.") from None
    if not started:
        raise ExperimentError("Only a draft can be started.")
    forget()
    experiment.refresh_from_db()


def stop(experiment: Experiment) -> None:
    """Let every visitor have the search as it is. Raises ExperimentError."""
    stopped = Experiment.objects.filter(pk=experiment.pk, state=Experiment.State.RUNNING).update(
        state=Experiment.State.STOPPED, stopped_at=timezone.now()
    )
    if not stopped:
        raise ExperimentError("It is not running.")
    forget()
    experiment.refresh_from_db()
