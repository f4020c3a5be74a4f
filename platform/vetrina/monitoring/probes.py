"""Questions to parts that may not answer: asked in a thread, waited for at most PATIENCE seconds, never piled up."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import connection

from catalog.tenancy import in_shop

PATIENCE = 2.0  # seconds for all questions together
KEPT = 2.0  # seconds that an answer is good for, so that many who probe ask once

Answer = TypeVar("Answer")


class NoAnswerError(Exception):
    """The part did not answer in time, or answered with an error; the message is one of ours and names no address."""


@dataclass
class _Asked:
    at: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    error: str = ""


class Probe(Generic[Answer]):
    """Call `start`, and later `wait` with a deadline. A question without an answer yet is not asked a second time."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._asked: _Asked | None = None

    def start(self) -> _Asked:
        with self._lock:
            asked = self._asked
            if asked is None or (asked.ended.is_set() and time.monotonic() - asked.at > KEPT):
                asked = self._asked = _Asked()
                threading.Thread(target=self._run, args=(asked,), name="probe", daemon=True).start()
            return asked

    def wait(self, deadline: float) -> Answer:
        """The answer; raises NoAnswerError where there is none by `deadline`, of the monotonic clock."""
        asked = self.start()
        if not asked.ended.wait(max(deadline - time.monotonic(), 0.0)):
            raise NoAnswerError("does not answer")
        if asked.error:
            raise NoAnswerError(asked.error)
        answer: Answer = asked.answer
        return answer

    def forget(self) -> None:
        with self._lock:
            self._asked = None

    def _run(self, asked: _Asked) -> None:
        try:
            asked.answer = self._ask()
        except Exception as error:
            asked.error = f"answers with an error ({type(error).__name__})"
        finally:
            connection.close()
            asked.ended.set()


def _points() -> int:
    """Points of the collection that is searched; 0 where there is none yet."""
    from search.index.client import get_client
    from search.index.errors import VectorStoreError
    from search.index.schema import alias

    try:
        return get_client().get_collection(alias()).points_count or 0
    except VectorStoreError as error:
        if error.status == 404:
            return 0
        raise


def points_here() -> int | None:
    """Of the current shop, asked in this thread; None where the store does not answer in time."""
    from search.index.client import within
    from search.index.errors import VectorStoreError

    try:
        with within(PATIENCE):
            return _points()
    except VectorStoreError:
        return None


def _points_everywhere() -> int:
    """Of all shops together. By what the store tells: this thread has no time to wait for the database."""
    from search.index.client import get_client, shop_of
    from search.index.schema import alias

    if not settings.MULTI_SHOP:
        return _points()
    points = 0
    for each in get_client().get_aliases().aliases:
        if (shop_id := shop_of(each.alias_name)) is not None:
            with in_shop(shop_id):
                points += _points() if each.alias_name == alias() else 0
    return points


def queues() -> list[str]:
    """The queues that tasks are sent to."""
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    return sorted(routed | {settings.CELERY_TASK_DEFAULT_QUEUE})


def _depths() -> dict[str, int]:
    """Messages that wait in each queue, by what the broker tells."""
    from vetrina.celery import app

    depths = {}
    with app.connection_for_read() as broker:
        broker.connect()
        for name in queues():
            try:
                with broker.channel() as channel:  # one each: a refusal closes the channel
                    depths[name] = channel.queue_declare(queue=name, passive=True).message_count
            except broker.channel_errors:
                depths[name] = 0  # nobody has sent or read there yet
    return depths


vectors = Probe(_points_everywhere)
broker = Probe(_depths)
