"""Each part of the installation with its state in a word and, where it is degraded, a sentence of what that means.

The sentences are public, since whoever runs the probes is not signed in: they name no address, version or person.
"""

import time
from dataclasses import dataclass

from django.conf import settings
from django.db import Error, connection

from catalog.hosts import active_shops
from catalog.tenancy import current_shop_id, in_shop
from search.encoders import registry
from vetrina.monitoring import probes, state
from vetrina.monitoring.probes import NoAnswerError


@dataclass(frozen=True)
class Part:
    name: str
    state: str  # "ok", or what it is instead
    degraded: str = ""  # what visitors or operators are without


@dataclass(frozen=True)
class Health:
    parts: list[Part]
    state: state.State | None  # None: the database does not answer
    points: int | None = None  # in the live collection; None: nobody could tell
    depths: dict[str, int] | None = None  # messages by queue

    @property
    def ready(self) -> bool:
        """Everything reads the database; without any other part at least the catalogue can be looked through."""
        return self.state is not None

    @property
    def degraded(self) -> list[Part]:
        return [part for part in self.parts if part.degraded]


def look(*, everywhere: bool = False) -> Health:
    """Ask every part. Takes a little longer than probes.PATIENCE at most, where the database answers.

    `everywhere`: for the operator of the installation, of all shops together. Otherwise for the current shop.
    """
    deadline = time.monotonic() + probes.PATIENCE
    probes.vectors.start()
    probes.broker.start()
    found: list[Part] = []
    now = _database(found, everywhere)
    points = depths = None
    try:
        points = probes.vectors.wait(deadline)
        found.append(Part("vectors", "ok"))
    except NoAnswerError as error:
        told = f"The vector store {error}: searches go by words alone, in the database."
        found.append(Part("vectors", str(error), told))
    try:
        depths = probes.broker.wait(deadline)
        found.append(Part("broker", "ok"))
    except NoAnswerError as error:
        found.append(Part("broker", str(error), f"The broker {error}: changes wait until workers hear of them."))
    if now is not None:
        found += [_encoders(everywhere), _recommender(now), *_processes(now), _outbox(now)]
    return Health(found, now, points, depths)


def _database(found: list[Part], everywhere: bool) -> state.State | None:
    try:
        connection.ensure_connection()
        now = state.read(everywhere=everywhere)
    except Error as error:
        told = f"answers with an error ({type(error).__name__})"
        found.append(Part("database", told, f"The database {told}: nothing can be served."))
        return None
    found.append(Part("database", "ok"))
    return now


def _encoders(everywhere: bool) -> Part:
    """Of this process. One that nobody has needed yet is no fault."""
    states: dict[str, set[str]] = {kind: set() for kind in settings.ENCODERS}
    for shop_id in [shop.id for shop in active_shops()] if everywhere else [current_shop_id()]:
        with in_shop(shop_id):
            for kind, told in states.items():
                told.add(registry.state_of(registry.current_spec(kind)))
    if failed := [kind for kind, told in states.items() if "failed" in told]:
        names = " and ".join(failed)
        return Part("encoders", "failed", f"The {names} encoder cannot be loaded: searches go by words alone.")
    return Part("encoders", "ok" if all(told == {"loaded"} for told in states.values()) else "not loaded yet")


def _recommender(now: state.State) -> Part:
    if now.model is None:
        return Part("recommender", "no model yet")
    if not now.model_has_files:
        return Part("recommender", "no files", "The live model's files are gone: what is popular is recommended.")
    return Part("recommender", "ok")


def _processes(now: state.State) -> list[Part]:
    idle = [queue for queue in probes.queues() if not now.workers_of(queue)]
    told = f"No worker of {', '.join(idle)} was seen lately: what is sent there waits." if idle else ""
    parts = [Part("workers", "missing" if idle else "ok", told)]
    late = "" if now.schedules else "The schedule was not seen lately: nothing is done by the clock."
    return [*parts, Part("schedule", "missing" if late else "ok", late)]


def _outbox(now: state.State) -> Part:
    age = now.outbox.oldest_seconds or 0.0
    if age > settings.OUTBOX_LATE_SECONDS:
        return Part("outbox", "late", f"Changes of products have waited for {age:,.0f} seconds to reach the index.")
    if now.outbox.parked:
        return Part("outbox", "failures", f"Products that could not be indexed: {now.outbox.parked:,}.")
    return Part("outbox", "ok")
