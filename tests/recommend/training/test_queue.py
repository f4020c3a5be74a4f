"""Which run is taken by whom, and when the next one is due."""

from datetime import timedelta

import pytest
from django.utils import timezone

from recommend.training import queue
from recommend.training.models import ModelVersion, TrainingRun
from search.models import IndexCollection

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model")]


def test_a_run_is_taken_once():
    asked = queue.ask_for(queue.FULL, seed=4)
    taken = queue.claim()
    assert (taken.pk, taken.seed, taken.state) == (asked.pk, 4, "running")
    assert queue.claim() is None


def test_asking_twice_queues_once():
    assert queue.ask_for(queue.FULL) == queue.ask_for(queue.FULL)
    assert queue.ask_for(queue.INCREMENTAL) != queue.ask_for(queue.FULL)


def test_a_run_whose_worker_died_is_taken_up_again_until_it_is_given_up():
    asked = queue.ask_for(queue.FULL)
    for attempt in range(1, queue.MOST_ATTEMPTS + 1):
        assert queue.claim().progress["attempts"] == attempt
        TrainingRun.objects.filter(pk=asked.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert queue.claim() is None
    asked.refresh_from_db()
    assert asked.state == "failed"
    assert "died again and again" in asked.error


def test_a_lease_is_renewed_by_its_owner_alone():
    queue.ask_for(queue.FULL)
    slow = queue.claim()
    until = slow.lease_until
    queue.renew(slow)
    assert slow.lease_until > until
    TrainingRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    fast = queue.claim()
    with pytest.raises(queue.LeaseLostError):
        queue.renew(slow)
    queue.renew(fast)


def test_a_stopped_run_is_neither_taken_nor_renewed():
    asked = queue.ask_for(queue.FULL)
    taken = queue.claim()
    assert queue.stop(asked)
    assert not queue.stop(asked)
    assert queue.claim() is None
    with pytest.raises(queue.LeaseLostError):
        queue.renew(taken)


def test_publishing_comes_before_training(db):
    queue.ask_for(queue.FULL)
    version = ModelVersion.objects.create(name="seq-knn", path="x")
    queue.ask_for(queue.PUBLISH, version=version)
    assert queue.claim().kind == queue.PUBLISH


def test_the_first_run_is_due_when_there_are_events(catalogue, visit):
    assert queue.ask_if_due() is None
    visit(1)
    assert queue.ask_if_due().kind == queue.FULL
    assert queue.ask_if_due() is None  # it waits


def test_the_next_run_is_due_after_the_time_set_if_there_is_news(catalogue, visit, settings):
    settings.TRAIN_EVERY_HOURS = 24
    visit(1)
    run = queue.ask_if_due()
    TrainingRun.objects.filter(pk=run.pk).update(state="failed")
    later = timezone.now() + timedelta(hours=25)
    assert queue.ask_if_due(later) is None  # nothing came since
    visit(1)
    assert queue.ask_if_due(later - timedelta(hours=2)) is None
    assert queue.ask_if_due(later)


def test_nothing_is_due_where_the_schedule_is_off(catalogue, visit, settings):
    settings.TRAIN_EVERY_HOURS = 0
    visit(1)
    assert queue.ask_if_due() is None


@pytest.mark.slow
def test_updates_follow_a_full_training_until_the_next_full_one(indexed, visit, train):
    visit(40)
    assert queue.next_kind() == queue.FULL
    train()
    for _ in range(queue.UPDATES_UNTIL_FULL):
        assert queue.next_kind() == queue.INCREMENTAL
        TrainingRun.objects.create(kind=queue.INCREMENTAL, state="kept back")
    assert queue.next_kind() == queue.FULL


@pytest.mark.slow
def test_other_settings_and_other_encoders_ask_for_a_full_training(indexed, visit, train, model):
    visit(40)
    train()
    live = ModelVersion.objects.get(live=True)
    assert queue.why_not_incremental(live) == ""
    model("factors", dim=8)
    assert "another model" in queue.why_not_incremental(live)
    model("factors")
    shape = IndexCollection.objects.get().shape
    shape["text"]["model_id"] = "other-words"
    IndexCollection.objects.update(shape=shape)
    assert "encoded by another model" in queue.why_not_incremental(live)
    assert queue.next_kind() == queue.FULL
