"""How long events are kept."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from recommend.events import retention
from recommend.events.models import Event, Shopper
from workers.tasks import tend_event_log

pytestmark = pytest.mark.django_db


@pytest.fixture
def events(shopper: Shopper, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """One event a day, the last ten days before last month, and today's."""
    monkeypatch.setattr(retention, "CHUNK", 3)
    now = timezone.now()
    days = [*range(30, 40), 0]
    made = [
        Event(
            event_id=uuid.uuid4(), kind="search", query="cup", shopper=shopper, happened_at=now - timedelta(days=each)
        )
        for each in days
    ]
    return Event.objects.bulk_create(made)


def test_what_is_too_old_is_deleted(events: list[Event], settings: Settings) -> None:
    settings.EVENT_RETENTION_DAYS = 35
    tend_event_log()
    oldest = timezone.now() - timedelta(days=35)
    assert Event.objects.count() == 6
    assert not Event.objects.filter(happened_at__lt=oldest).exists()
    assert retention.forget_old() == retention.Forgotten()


def test_nought_keeps_everything(events: list[Event], settings: Settings) -> None:
    settings.EVENT_RETENTION_DAYS = 0
    tend_event_log()
    assert Event.objects.count() == len(events)
