"""The schedule keeps the log of searches: it counts what is popular and deletes what is old."""

import uuid
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.utils import timezone

from search.models import LoggedSearch, PopularQuery
from workers.tasks import tend_search_log


@pytest.mark.django_db
def test_the_log_is_tended_by_the_schedule(settings):
    settings.SEARCH_POPULAR_VISITORS, settings.SEARCH_LOG_DAYS = 2, 90
    for number, days in enumerate((1, 1, 100)):
        LoggedSearch.objects.create(
            id=uuid.uuid4(), query="Chair", normalised="chair", visitor=uuid.UUID(int=number), returning=True, total=1,
            happened_at=timezone.now() - timedelta(days=days), mode="hybrid", surface="page", took_ms=1,
        )  # fmt: skip
    tend_search_log()
    assert PopularQuery.objects.get().visitors == 2
    assert LoggedSearch.objects.count() == 2
    assert "workers.tasks.tend_search_log" in {each["task"] for each in configured.CELERY_BEAT_SCHEDULE.values()}
