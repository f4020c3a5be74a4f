"""The experiment that runs, if one does; and how one is started and stopped."""

import time
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.per_shop import PerShop
from search.models import Experiment, SearchConfiguration
from search.query.configuration import Configuration, configuration_of
from search.query.request import Mode, SearchRequest

SECONDS = 5.0  # in which every process has noticed a start or a stop

_known: PerShop[tuple[float, Experiment | None] | None] = PerShop(lambda: None)


class ExperimentError(Exception):
    """It cannot be started or stopped; the message is a sentence for who wants to."""


def running() -> Experiment | None:
    """Return the experiment that runs, as it was SECONDS ago at the latest."""
    known = _known.here
    if known is None or time.monotonic() - known[0] > SECONDS:
        known = _known.here = time.monotonic(), Experiment.objects.filter(state=Experiment.State.RUNNING).first()
    return known[1]


def forget() -> None:
    """Ask the database again next time."""
    _known.forget()


@dataclass(frozen=True)
class Arm:
    """How the visitors of one arm search. `mode` None: as they asked."""

    configuration: Configuration
    mode: Mode | None = None

    def of(self, asked: SearchRequest) -> SearchRequest:
        return replace(asked, configuration=self.configuration, mode=self.mode or asked.mode)


def arms(experiment: Experiment) -> tuple[Arm, Arm]:
    """Both arms of an experiment that was started. Raises ValueError with a sentence."""
    return _arm(experiment.a), _arm(experiment.b)


def _arm(told: dict[str, Any]) -> Arm:
    mode: Mode | None = {"lexical": "lexical", "semantic": "semantic"}.get(told.get("mode", ""))  # type: ignore[assignment]
    return Arm(configuration_of(told.get("overrides") or {}), mode)


def _copied(configuration: SearchConfiguration | None) -> dict[str, Any]:
    if configuration is None:
        return {}
    return {"name": configuration.name, "mode": configuration.mode, "overrides": configuration.overrides}


def start(experiment: Experiment) -> None:
    """Let visitors meet it. Raises ExperimentError. One that was stopped is not started again: it has its result."""
    experiment.a, experiment.b = _copied(experiment.configuration_a), _copied(experiment.configuration_b)
    try:
        first, second = arms(experiment)
    except ValueError as error:
        raise ExperimentError(str(error)) from None
    if first == second:
        raise ExperimentError("Both arms search alike, so there is nothing to find out.")
    try:
        with transaction.atomic():
            started = Experiment.objects.filter(pk=experiment.pk, state=Experiment.State.DRAFT).update(
                state=Experiment.State.RUNNING, started_at=timezone.now(), a=experiment.a, b=experiment.b
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
