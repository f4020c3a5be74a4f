"""Which shop a task works for, and what the schedule's messages become."""

import json
from typing import Any

import pytest
from celery import shared_task
from celery.exceptions import Retry
from celery.signals import before_task_publish

from catalog.models import Shop
from catalog.tenancy import NoShopError, current_shop_id, in_shop
from vetrina.celery import app
from workers import shops

worked: list[int | str] = []


@shared_task(bind=True, name="tests.note_shop", autoretry_for=(OSError,), retry_backoff=0, max_retries=1)
def note_shop(self: Any, fail: bool = False) -> None:
    worked.append(current_shop_id())
    if fail:
        raise OSError


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, settings, db) -> list[dict[str, Any]]:
    """Headers of the messages that would go to the broker."""
    settings.MULTI_SHOP = True
    worked.clear()
    headers: list[dict[str, Any]] = []

    def publish(producer: Any, name: str, message: Any, **options: Any) -> None:
        before_task_publish.send(sender=name, headers=message.headers, body=message.body)
        headers.append({**message.headers})

    monkeypatch.setitem(app.amqp.__dict__, "send_task_message", publish)
    return headers


@pytest.fixture
def others(db) -> list[Shop]:
    open_, closed = (Shop.objects.create(name=slug, slug=slug, active=slug == "open") for slug in ("open", "closed"))
    return [Shop.objects.get(pk=1), open_, closed]


def run(headers: dict[str, Any]) -> None:
    """As a worker does with a message."""
    shop = {"shop": headers["shop"]} if "shop" in headers else {}
    note_shop.push_request(id=headers["id"], called_directly=False, **shop)
    try:
        shops.begin(task_id=headers["id"], task=note_shop)
        note_shop(**headers.get("kwargs", {}))
    finally:
        shops.end(task_id=headers["id"])
        note_shop.pop_request()


def test_a_task_works_for_the_shop_that_sent_it(sent, others):
    with in_shop(others[1].pk):
        note_shop.apply_async()
    assert [headers["shop"] for headers in sent] == [others[1].pk]
    run(sent[0])
    assert worked == [others[1].pk]
    with pytest.raises(NoShopError):
        current_shop_id()


def test_what_the_schedule_sends_becomes_a_message_for_each_open_shop(sent, others):
    run({"id": "1"})
    assert worked == []
    assert [headers["shop"] for headers in sent] == [others[0].pk, others[1].pk]
    for headers in sent[:2]:
        run(headers)
    assert worked == [others[0].pk, others[1].pk]


def test_a_task_that_is_tried_again_is_still_the_shops(sent, others):
    with in_shop(others[1].pk):
        note_shop.apply_async(kwargs={"fail": True})
    with pytest.raises(Retry):
        run({**sent[0], "kwargs": {"fail": True}})
    assert [headers["shop"] for headers in sent] == [others[1].pk] * 2


def test_every_task_and_entry_of_the_schedule_can_be_for_one_shop(settings):
    app.loader.import_default_modules()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert isinstance(app.tasks[entry["task"]], shops.ShopTask)


def test_where_there_is_one_shop_messages_are_as_they_were(sent, settings):
    settings.MULTI_SHOP = False
    note_shop.apply_async()
    assert "shop" not in sent[0]
    json.dumps({name: str(value) for name, value in sent[0].items()})
    run(sent[0])
    assert worked == [1]
