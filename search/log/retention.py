"""How long searches are kept, and how one visitor's are deleted."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from search.models import LoggedSearch

CHUNK = 5000  # rows of one transaction, so that writers wait for moments only


def forget_old(now: datetime | None = None) -> int:
    """Delete what is older than SEARCH_LOG_DAYS (0: nothing); return how many. Safe to be cut off, and to run twice."""
    if not settings.SEARCH_LOG_DAYS:
        return 0
    before = (now or timezone.now()) - timedelta(days=settings.SEARCH_LOG_DAYS)
    old = LoggedSearch.objects.filter(happened_at__lt=before)
    gone = 0
    while ids := list(old.order_by("happened_at").values_list("pk", flat=True)[:CHUNK]):
        gone += LoggedSearch.objects.filter(pk__in=ids).delete()[0]
    return gone


def forget_visitors(keys: Collection[uuid.UUID]) -> int:
    """Delete every search of these visitors; return how many."""
    return LoggedSearch.objects.filter(visitor__in=keys).delete()[0] if keys else 0
