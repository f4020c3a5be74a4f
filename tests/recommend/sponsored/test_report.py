"""Reports add up, also of what is no longer kept, and retention forgets who but not how much."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from catalog.models import Product
from recommend.models import CampaignDay, Charge, Placement
from recommend.sponsored import ledger, report
from recommend.sponsored.report import Figures
from recommend.sponsored.retention import forget_old

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def told(campaign, shown, shopper, monkeypatch):
    """4 shown on the first day, 2 clicked, one of them for free; 3 and 1 on the second; nothing on the last."""
    running = campaign(starts_at=NOW - timedelta(days=2), budget=Decimal("0.60"))
    for days_ago, views, clicks, price in ((2, 4, 1, "0.20"), (1, 3, 1, "0.30")):
        at = NOW - timedelta(days=days_ago)
        monkeypatch.setattr(timezone, "now", lambda at=at: at)
        for placement in [shown(running, price, shopper=shopper, shown_at=at) for _ in range(views)][:clicks]:
            assert ledger.clicked(placement.key)
    first = Placement.objects.filter(shown_at=NOW - timedelta(days=2), clicked_at=None)[0]
    Placement.objects.filter(pk=first.pk).update(clicked_at=first.shown_at, surface="search")
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    return running


TOTAL = Figures(shown=7, clicked=3, charges=2, spent=Decimal("0.50"))
DAYS = [Figures(4, 2, 1, Decimal("0.20")), Figures(3, 1, 1, Decimal("0.30")), Figures()]


def test_totals_and_days(told, campaign):
    other = campaign()
    assert report.totals([told.pk, other.pk]) == {told.pk: TOTAL, other.pk: Figures()}
    assert list(report.by_day(told).values()) == DAYS
    assert [str(day) for day in report.by_day(told)] == ["2026-03-08", "2026-03-09", "2026-03-10"]
    assert report.by_surface(told) == {"home": Figures(6, 2, 2, Decimal("0.50")), "search": Figures(1, 1)}


def test_shares():
    assert (TOTAL.click_rate, Figures().click_rate) == (3 / 7, None)
    assert (TOTAL.per_click, Figures().per_click) == (Decimal("0.50") / 3, None)


def test_a_report_stays_what_it_was_when_placements_are_forgotten(told, settings):
    settings.SPONSORED_RETENTION_DAYS = 90
    assert forget_old(now=NOW + timedelta(days=50)) == 0
    assert forget_old(now=NOW + timedelta(days=89, hours=1)) == 5
    assert forget_old(now=NOW + timedelta(days=89, hours=1)) == 0
    assert Placement.objects.count() == 2, "what was charged is the charge's voucher"
    assert report.totals([told.pk]) == {told.pk: TOTAL}
    assert list(report.by_day(told).values()) == DAYS


def test_what_was_charged_forgets_the_shopper_alone(told, settings):
    assert forget_old(now=NOW + timedelta(days=settings.SPONSORED_RETENTION_DAYS)) == 5
    assert set(Placement.objects.values_list("shopper", flat=True)) == {None}
    assert Charge.objects.count() == 2


def test_forgetting_in_parts_adds_up(told, monkeypatch):
    monkeypatch.setattr("recommend.sponsored.retention.BATCH", 2)
    assert forget_old(now=NOW + timedelta(days=400)) == 5
    assert sorted(CampaignDay.objects.values_list("shown", "clicked")) == [(2, 0), (3, 1)]


def test_for_ever_is_for_ever(told, settings):
    settings.SPONSORED_RETENTION_DAYS = 0
    assert forget_old(now=NOW + timedelta(days=4000)) == 0


def test_money_outlives_the_product(told):
    Product.objects.all().delete()
    assert report.totals([told.pk]) == {told.pk: TOTAL}


def test_a_long_campaign_is_told_of_its_last_days(told):
    days = report.by_day(told, 2)
    assert list(days.values()) == DAYS[1:]
    later = report.by_day(told, 30, until=(NOW + timedelta(days=100)).date())
    assert len(later) == 30
    assert set(later.values()) == {Figures()}
