"""The made-up shoppers' searches: what they clicked on was shown, and the log says so as it would of real ones."""

import pytest

from recommend.analytics.clicks import clicks_since
from recommend.demo.histories import plant
from recommend.events.models import Event, Shopper
from search.log.popular import count_popular, popular
from search.models import LoggedSearch
from tests.recommend.demo.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop"), pytest.mark.slow]


def test_clicks_are_on_what_the_search_had_shown():
    planted = plant(1, 150, now=NOW)
    assert planted.searches == LoggedSearch.objects.count() > 100
    rows = LoggedSearch.objects.in_bulk()
    clicks = [each for each in clicks_since(min(row.happened_at for row in rows.values())) if each.kind == "click"]
    assert len(clicks) > 30
    for click in clicks:
        row = rows[click.search_id]
        assert row.shown[click.position] == click.product_id
        assert row.happened_at < click.happened_at
        assert row.visitor == click.visitor
    assert Event.objects.filter(kind="purchase", search_id__isnull=False).exists(), "some of it was bought"


def test_some_find_nothing_and_who_refused_is_nobody(settings):
    plant(1, 150, now=NOW)
    assert 0.02 < LoggedSearch.objects.filter(total=0).count() / LoggedSearch.objects.count() < 0.25
    refused = LoggedSearch.objects.filter(consent=False)
    assert all(row.query == "" and row.visitor is None and row.shown == [] for row in refused)
    devices = set(Shopper.objects.values_list("key", flat=True))
    assert set(LoggedSearch.objects.exclude(visitor=None).values_list("visitor", flat=True)) <= devices
    settings.SEARCH_POPULAR_VISITORS = 3
    assert count_popular(NOW) > 3
    assert popular("")


def test_the_same_seed_gives_the_same_searches_and_new_histories_replace_them():
    def searches() -> list[tuple]:
        return list(LoggedSearch.objects.order_by("pk").values_list("pk", "query", "happened_at", "shown", "total"))

    plant(1, 40, now=NOW)
    first = searches()
    Event.objects.all().delete()
    plant(1, 40, now=NOW)
    assert searches() == first
