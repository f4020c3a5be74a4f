"""How long events are kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from recommend.events import partitions
from recommend.events.models import Event

CHUNK = 5000  # rows of one transaction, so that writers wait for moments only


@dataclass(frozen=True)
class Forgotten:
    months: int = 0  # partitions dropped
    events: int = 0  # deleted one by one, beside those of whole months


def forget_old(now: datetime | None = None) -> Forgotten:
    """Delete what is older than EVENT_RETENTION_DAYS; with 0 nothing is. Safe to be cut off, and to run twice."""
    if not settings.EVENT_RETENTION_DAYS:
        return Forgotten()
    before = (now or timezone.now()) - timedelta(days=settings.EVENT_RETENTION_DAYS)
    months = partitions.drop_before(before)
    old = Event.objects.filter(happened_at__lt=before)
    events = 0
    while ids := list(old.order_by("happened_at").values_list("pk", flat=True)[:CHUNK]):
        events += old.filter(pk__in=ids).delete()[0]
    return Forgotten(len(months), events)
