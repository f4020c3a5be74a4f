"""Tasks are thin: they call one thing, come again for the rest, and retry what another moment may mend."""

import io
import os
import time

import pytest
from django.conf import settings as configured
from django.core.files.storage import default_storage
from django.db import OperationalError
from PIL import Image

from catalog.models import Picture, Product
from catalog.pictures import add_picture
from catalog.retry_budget import RetryBudget
from recommend.training.models import TrainingRun
from search.duplicates.finding import Found
from search.encoders.base import EncoderError
from search.index.drain import DrainReport
from search.index.errors import IndexMissing, VectorStoreError
from workers import retrying, tasks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_budget(monkeypatch) -> None:
    monkeypatch.setattr(retrying, "budget", RetryBudget(share=0.2, reserve=5))


@pytest.fixture
def sent(monkeypatch) -> list[str]:
    names: list[str] = []
    for task in (tasks.drain_outbox, tasks.make_thumbnails, tasks.find_duplicates):
        monkeypatch.setattr(task, "apply_async", lambda name=task.name, **_: names.append(name))
    return names


def picture(colour: str) -> Picture:
    file = io.BytesIO()
    Image.new("RGB", (400, 300), colour).save(file, "PNG")
    product = Product.objects.create(sku=colour, slug=colour, title=colour)
    return add_picture(product, file.getvalue())


@pytest.mark.parametrize(("report", "again"), [(DrainReport(done=9, out_of_time=True), 1), (DrainReport(done=9), 0)])
def test_a_drain_that_ran_out_of_time_asks_for_another_turn(monkeypatch, sent, report, again):
    monkeypatch.setattr(tasks, "drain", lambda seconds: report)
    tasks.drain_outbox.run()
    assert len(sent) == again


@pytest.mark.parametrize("out_of_time", [True, False])
def test_comparing_products_goes_on_where_time_ran_out(monkeypatch, sent, out_of_time):
    monkeypatch.setattr(tasks.finding, "find", lambda seconds: Found(checked=5, out_of_time=out_of_time))
    tasks.find_duplicates.run()
    assert sent == ["workers.tasks.find_duplicates"] * out_of_time


def test_nothing_is_compared_before_anything_is_indexed(monkeypatch, sent):
    def missing(seconds: float) -> Found:
        raise IndexMissing("products")

    monkeypatch.setattr(tasks.finding, "find", missing)
    tasks.find_duplicates.run()
    assert sent == []


@pytest.mark.parametrize(
    "mended_by_waiting",
    [
        VectorStoreError("no answer", permanent=False),
        OperationalError("database is locked"),
        EncoderError("no memory", permanent=False),
        ConnectionRefusedError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_another_moment_may_mend_is_tried_again(monkeypatch, mended_by_waiting):
    calls = failing(monkeypatch, mended_by_waiting)
    assert tasks.drop_retired_collections.apply().state == "FAILURE"
    assert len(calls) == 1 + retrying.RETRY["max_retries"] == 6


@pytest.mark.slow
def test_where_everything_fails_little_more_is_asked_for_than_the_schedule_asks(monkeypatch):
    calls = failing(monkeypatch, OperationalError("connection refused"))
    for _ in range(40):
        assert tasks.drop_retired_collections.apply().state == "FAILURE"
    assert 40 < len(calls) <= 40 + 5 + 40 * 0.2


def test_a_bug_is_not_tried_again(monkeypatch):
    calls = failing(monkeypatch, KeyError("name"))
    assert tasks.drop_retired_collections.apply().state == "FAILURE"
    assert len(calls) == 1


def failing(monkeypatch, error: Exception) -> list[None]:
    """What the task calls fails with `error`; each time leaves an entry."""
    calls: list[None] = []

    def fail() -> list[str]:
        calls.append(None)
        raise error

    monkeypatch.setattr(tasks.filling, "drop_retired", fail)
    return calls


def test_files_that_no_picture_shows_are_deleted_once_they_are_old():
    shown = picture("green")
    default_storage.save("pictures/ab/abc.jpg", io.BytesIO(b"left behind"))
    tasks.tidy_pictures.run()
    assert default_storage.exists("pictures/ab/abc.jpg"), "an import that is not committed yet may own it"
    old = time.time() - 2 * 86_400
    for name in ("pictures/ab/abc.jpg", shown.file.name):
        os.utime(default_storage.path(name), (old, old))
    tasks.tidy_pictures.run()
    assert not default_storage.exists("pictures/ab/abc.jpg")
    assert default_storage.exists(shown.file.name)


def test_thumbnails_are_made_once(sent):
    made = [picture("red"), picture("blue")]
    tasks.make_thumbnails.run()
    for each in made:
        each.refresh_from_db()
        assert each.thumbnails.keys() == configured.THUMBNAIL_SIZES.keys()
        assert all(default_storage.exists(name) for name in each.thumbnails.values())
    assert sent == []


def test_thumbnails_come_again_when_there_are_too_many_for_one_turn(sent, monkeypatch):
    monkeypatch.setattr(tasks, "TURN_SECONDS", -1)
    picture("red"), picture("blue")
    tasks.make_thumbnails.run()
    assert Picture.objects.filter(thumbnails={}).count() == 1
    assert sent == ["workers.tasks.make_thumbnails"]


def test_a_damaged_picture_does_not_hold_up_the_others(sent):
    damaged, fine = picture("red"), picture("blue")
    damaged.file.storage.delete(damaged.file.name)
    tasks.make_thumbnails.run()
    assert Picture.objects.get(pk=damaged.pk).thumbnail_error
    assert Picture.objects.get(pk=fine.pk).thumbnails


def test_a_training_worker_does_what_is_due_and_what_was_asked_for(monkeypatch):
    done = []

    def work(taken):
        done.append(taken.kind)
        TrainingRun.objects.filter(pk=taken.pk).update(state="kept back")
        return taken

    monkeypatch.setattr(tasks.run, "work", work)
    monkeypatch.setattr(tasks.queue, "ask_if_due", lambda: tasks.queue.ask_for("full"))
    tasks.queue.ask_for("incremental")
    tasks.train.run()
    assert done == ["incremental", "full"]
    assert not TrainingRun.objects.active().exists()


def test_levelling_without_a_live_model_asks_nobody(monkeypatch):
    monkeypatch.setattr(tasks.versions.behaviour, "get_client", lambda: pytest.fail("the store was asked"))
    tasks.level_behaviour.run()


def test_every_beat_entry_names_a_task_and_expires_before_the_next():
    from celery import current_app

    current_app.loader.import_default_modules()
    for entry in configured.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in current_app.tasks
        assert entry["options"]["expires"] <= entry["schedule"]
    assert configured.CELERY_TASK_ROUTES["workers.tasks.drain_outbox"] == {"queue": "encode"}
    assert configured.CELERY_TASK_ROUTES["workers.tasks.train"] == {"queue": "train"}
