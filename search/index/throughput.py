"""How much the workers bring level, minute by minute, and how the outbox stands meanwhile."""

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import Count, F, Min, Q
from django.utils import timezone

from catalog.models import OutboxEntry
from search.models import IndexingMinute

log = logging.getLogger(__name__)

KEPT = timedelta(days=8)  # a week, and the day that it is compared with
FLUSH_SECONDS = 20.0  # between two writings of one drain
COUNTED = ("products", "failed", "texts", "pictures", "encode_ms")


@dataclass(frozen=True)
class Standing:
    """The outbox at one moment. `oldest_seconds` is None where nothing waits."""

    waiting: int  # entries that are due, claimed or put off
    claimed: int  # of these, those that a worker holds
    parked: int  # given up
    oldest_seconds: float | None


def standing(now: datetime | None = None, *, everywhere: bool = False) -> Standing:
    """One query. `everywhere`: of all shops together."""
    active = Q(parked_at=None)
    entries = OutboxEntry.every_shop if everywhere else OutboxEntry.objects
    told = entries.aggregate(
        waiting=Count("pk", filter=active),
        claimed=Count("pk", filter=active & ~Q(claimed_by="")),
        parked=Count("pk", filter=~active),
        oldest=Min("created_at", filter=active),
    )
    oldest = told.pop("oldest")
    return Standing(**told, oldest_seconds=oldest and max(((now or timezone.now()) - oldest).total_seconds(), 0.0))


@dataclass
class Meter:
    """Adds up what one drain does, and writes it to the minute it is done in."""

    _counted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    _written_at: float = field(default_factory=time.monotonic)

    def add(self, **counts: int) -> None:
        for name, count in counts.items():
            self._counted[name] += count
        if time.monotonic() - self._written_at > FLUSH_SECONDS:
            self.write()

    def write(self) -> None:
        """Add to the row of this minute. Figures are no reason to fail: what the database does not take is left out."""
        counted, self._counted = self._counted, dict.fromkeys(COUNTED, 0)
        self._written_at = time.monotonic()
        if not any(counted.values()):
            return
        try:
            with transaction.atomic():
                minute = _this_minute()
                IndexingMinute.objects.get_or_create(minute=minute)
                IndexingMinute.objects.filter(minute=minute).update(
                    **{name: F(name) + count for name, count in counted.items()}
                )
        except DatabaseError:
            log.warning("What was indexed could not be counted", exc_info=True)


def look() -> Standing:
    """Note how the outbox stands this minute, and forget minutes that nobody looks at any more."""
    now = standing()
    IndexingMinute.objects.update_or_create(
        minute=_this_minute(),
        defaults={"waiting": now.waiting, "parked": now.parked, "oldest_seconds": now.oldest_seconds or 0.0},
    )
    IndexingMinute.objects.filter(minute__lt=timezone.now() - KEPT).delete()
    return now


def _this_minute() -> datetime:
    return timezone.now().replace(second=0, microsecond=0)
