"""What many typed is popular; what few typed is told to nobody."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recommend.events.models import Event, Shopper
from search.log.popular import Popular, count_popular, popular
from search.log.retention import forget_old
from search.log.rows import normalised
from search.models import LoggedSearch, PopularQuery

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture(autouse=True)
def _few(settings):
    settings.SEARCH_POPULAR_VISITORS = 3


def typed(
    query: str, visitors: int, *, returning: bool = True, total: int = 5, days: float = 1, first: int = 0, **more
):
    made = [
        LoggedSearch(
            id=uuid.uuid4(), query=query, normalised=normalised(query), happened_at=NOW - timedelta(days=days),
            visitor=uuid.UUID(int=first + number), returning=returning, total=total, mode="hybrid", surface="page",
            took_ms=5, **more,
        )
        for number in range(visitors)
    ]  # fmt: skip
    return LoggedSearch.objects.bulk_create(made)


def test_only_what_enough_visitors_typed_is_popular():
    typed("Garden Chair", 4)
    typed("garden  chair", 3, first=4)
    typed("maria's new address", 2)
    typed("maria's new address", 1)  # the first of them again
    assert count_popular(NOW) == 1
    assert popular("") == popular("GAR") == [Popular("Garden Chair", "garden chair", 7, 0)]
    assert popular("mar") == popular("chair") == []


def test_a_program_without_cookies_makes_nothing_popular():
    typed("bad words", 50, returning=False)
    assert count_popular(NOW) == 0
    typed("chair", 3, returning=False, first=100)
    typed("lamp", 3, first=100)  # they were seen again, so all that they typed counts
    assert count_popular(NOW) == 2
    assert {row.normalised for row in popular("")} == {"chair", "lamp"}


def test_what_finds_nothing_is_counted_and_not_suggested():
    typed("unicorn", 5, total=0)
    count_popular(NOW)
    row = PopularQuery.objects.get()
    assert (row.count, row.visitors, row.zero_share) == (5, 5, 1.0)
    assert popular("uni") == []


def test_hidden_queries_stay_hidden_and_what_nobody_types_any_more_goes():
    typed("rude", 5)
    typed("lamp", 5)
    count_popular(NOW)
    PopularQuery.objects.filter(normalised="rude").update(hidden=True)
    count_popular(NOW)
    assert [each.query for each in popular("")] == ["lamp"]
    LoggedSearch.objects.all().delete()
    assert count_popular(NOW) == 0
    assert PopularQuery.objects.get().normalised == "rude"
    typed("lamp", 2)
    assert count_popular(NOW) == 0
    assert popular("") == []


def test_filters_pages_and_old_searches_do_not_count():
    typed("chair", 5, narrowed=True)
    typed("lamp", 5, days=40)
    assert count_popular(NOW) == 0


def test_those_of_most_visitors_come_first_with_their_clicks():
    (search, *_) = typed("table lamp", 4)
    typed("table", 6)
    shopper = Shopper.objects.create()
    for kind in ("click", "cart"):
        Event.objects.create(
            event_id=uuid.uuid4(), kind=kind, shopper=shopper, product_id=1, search_id=search.pk,
            happened_at=NOW - timedelta(hours=1),
        )  # fmt: skip
    count_popular(NOW)
    assert popular("tab", limit=1) == [Popular("table", "table", 6, 0)]
    assert popular("table l") == [Popular("table lamp", "table lamp", 4, 1)]
    with CaptureQueriesContext(connection) as queries:
        popular("table")
    assert len(queries) == 1


def test_prefixes_are_looked_up_by_the_index():
    with CaptureQueriesContext(connection) as queries:
        popular("gar%_\\")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}" if connection.vendor == "sqlite" else "SELECT 'INDEX'")
        assert "INDEX" in str(cursor.fetchall())


def test_old_searches_are_deleted(settings):
    settings.SEARCH_LOG_DAYS = 30
    typed("chair", 3, days=31)
    typed("lamp", 2, days=29)
    assert forget_old(NOW) == 3
    assert LoggedSearch.objects.count() == 2
    settings.SEARCH_LOG_DAYS = 0
    assert forget_old(NOW + timedelta(days=999)) == 0
