"""What the schedule sends goes on when a clock that was hours ahead is put right, and when it was hours behind."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery

from vetrina.schedule import Scheduler

pytestmark = pytest.mark.parts
SIX_HOURS = timedelta(hours=6)


class Clock:
    def __init__(self) -> None:
        self.jump = timedelta()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sent() -> list[str]:
    return []


@pytest.fixture
def scheduler(tmp_path: Path, clock: Clock, sent: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Scheduler]:
    app = Celery("test", set_as_current=False)
    app.conf.beat_schedule = {
        "sweep": {"task": "sweep", "schedule": 5},
        "watch": {"task": "watch", "schedule": 60},
        "tidy": {"task": "tidy", "schedule": 86_400},
    }
    app.conf.result_expires = None  # else Celery sends a task of its own at four in the morning
    right = Celery.now
    monkeypatch.setattr(Celery, "now", lambda self: right(self) + clock.jump)

    class Counting(Scheduler):
        producer = None  # no broker is asked

        def apply_async(self, entry, producer=None, advance=True, **options):
            sent.append(entry.name)

    made = Counting(app, schedule_filename=str(tmp_path / "schedule"), lazy=True)
    made.setup_schedule()
    yield made
    made.close()


def tick(scheduler: Scheduler, times: int = 8) -> None:
    for _ in range(times):
        scheduler.tick()


def test_after_a_jump_back_everything_is_sent_soon(scheduler: Scheduler, clock: Clock, sent: list[str]) -> None:
    clock.jump = SIX_HOURS
    tick(scheduler)
    assert {"sweep", "watch"} <= set(sent)
    sent.clear()
    clock.jump = timedelta()
    tick(scheduler)
    assert {"sweep", "watch"} <= set(sent)
    sent.clear()
    tick(scheduler)
    assert sent == [], "and then at its times"
    clock.jump = timedelta(seconds=5)
    tick(scheduler)
    assert sent == ["sweep"]


def test_after_a_jump_ahead_everything_is_sent_once(scheduler: Scheduler, clock: Clock, sent: list[str]) -> None:
    tick(scheduler)
    sent.clear()
    clock.jump = SIX_HOURS
    tick(scheduler)
    assert sorted(sent) == ["sweep", "watch"]
