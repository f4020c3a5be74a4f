"""Each placement costs once, and no campaign more than it has."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from catalog.models import Product, Store
from recommend.models import Campaign, Charge, Placement
from recommend.sponsored import ledger

pytestmark = pytest.mark.django_db


def spent(campaign: Campaign) -> Decimal:
    campaign.refresh_from_db()
    charged = sum((charge.amount for charge in campaign.charges.all()), Decimal(0))
    assert campaign.spent == charged, "the campaign and its ledger disagree"
    return campaign.spent


def test_a_placement_is_charged_once(campaign, shown):
    running = campaign()
    placement = shown(running, "0.20")
    assert [ledger.charge(placement.key) for _ in range(3)] == [True, False, False]
    assert spent(running) == Decimal("0.20")
    assert Charge.objects.get().placement == placement


@pytest.mark.slow
def test_the_budget_is_used_to_the_last_cent_and_not_beyond(campaign, shown):
    """In binary fractions fifty times 0.02 is more than 1."""
    running = campaign(budget=Decimal(1))
    assert sum(ledger.charge(shown(running, "0.02").key) for _ in range(60)) == 50
    assert spent(running) == Decimal(1)
    assert running.state == Campaign.State.EXHAUSTED


def test_a_charge_that_does_not_fit_leaves_room_for_one_that_does(campaign, shown):
    running = campaign(budget=Decimal(1))
    assert ledger.charge(shown(running, "0.90").key)
    assert not ledger.charge(shown(running, "0.1001").key)
    assert ledger.charge(shown(running, "0.10").key)
    assert spent(running) == Decimal(1)


def test_the_daily_budget_holds_for_the_day_and_begins_anew(campaign, shown, monkeypatch):
    running = campaign(budget=Decimal(10), daily_budget=Decimal(1), starts_at=datetime(2026, 3, 1, tzinfo=UTC))
    evening = datetime(2026, 3, 10, 23, 50, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: evening)
    assert sum(ledger.charge(shown(running, "0.30", shown_at=evening).key) for _ in range(5)) == 3
    running.refresh_from_db()
    assert (running.spent, running.spent_on_day) == (Decimal("0.90"), Decimal("0.90"))
    monkeypatch.setattr(timezone, "now", lambda: evening + timedelta(minutes=20))
    assert ledger.charge(shown(running, "0.30", shown_at=evening).key)
    running.refresh_from_db()
    assert (running.spent, running.spent_on_day) == (Decimal("1.20"), Decimal("0.30"))
    assert str(running.spending_day) == "2026-03-11"


@pytest.mark.parametrize(
    "change",
    [{"active": False}, {"starts_at": timezone.now() - timedelta(2), "ends_at": timezone.now() - timedelta(1)}],
)
def test_a_campaign_that_is_off_or_over_pays_nothing_more(campaign, shown, change):
    running = campaign()
    placement = shown(running)
    Campaign.objects.update(**change)
    assert not ledger.clicked(placement.key)
    assert spent(running) == 0


def test_a_click_that_comes_too_late_is_free_but_counted(campaign, shown, settings):
    late = timezone.now() - timedelta(seconds=settings.SPONSORED_CHARGEABLE_SECONDS + 1)
    placement = shown(campaign(), shown_at=late)
    assert not ledger.clicked(placement.key)
    placement.refresh_from_db()
    assert placement.clicked_at is not None


def test_an_unknown_placement_costs_nobody_anything(campaign):
    campaign()
    assert not ledger.charge(uuid4())
    assert not Charge.objects.exists()


def test_being_seen_costs_only_those_who_pay_for_views(campaign, shown):
    by_click, by_view = campaign(charge="click"), campaign(charge="view")
    assert not ledger.seen(shown(by_click).key)
    seen = shown(by_view)
    assert ledger.seen(seen.key)
    assert not ledger.clicked(seen.key), "a click on what was paid for as seen"
    clicked_first = shown(by_view)
    assert ledger.clicked(clicked_first.key), "who clicked has seen it"
    assert not ledger.seen(clicked_first.key)
    assert (spent(by_click), spent(by_view)) == (0, Decimal("0.40"))


def test_the_first_click_is_the_one_that_is_remembered(campaign, shown):
    placement = shown(campaign())
    ledger.clicked(placement.key)
    first = Placement.objects.get().clicked_at
    ledger.clicked(placement.key)
    assert Placement.objects.get().clicked_at == first


def test_a_form_that_was_open_meanwhile_does_not_write_back_what_was_spent(campaign, shown):
    running = campaign()
    in_the_form = Campaign.objects.get(pk=running.pk)
    ledger.charge(shown(running, "0.20").key)
    in_the_form.name = "Renamed"
    in_the_form.save()
    assert spent(running) == Decimal("0.20")
    assert running.name == "Renamed"


class TestAnySequence(TestCase):
    """Whatever is charged in whatever order, campaign, day and ledger agree and stay within the budgets."""

    @pytest.mark.slow
    @given(
        st.integers(1, 300),
        st.none() | st.integers(1, 300),
        st.lists(st.tuples(st.integers(1, 120_000), st.integers(1, 3)), max_size=12),
    )
    def test_budgets_hold(self, budget, daily, clicks):
        today = timezone.localdate()
        store = Store.objects.create(name="S", slug="s")
        product = Product.objects.create(sku="P", slug="p", title="P", store=store)
        running = Campaign.objects.create(
            name="C", store=store, bid=1, budget=Decimal(budget) / 100,
            daily_budget=None if daily is None else Decimal(daily) / 100,
        )  # fmt: skip
        for units, times in clicks:
            placement = Placement.objects.create(
                key=uuid4(), campaign=running, product=product, surface="home", price=Decimal(units) / 10_000
            )
            assert sum(ledger.clicked(placement.key) for _ in range(times)) <= 1
        assert spent(running) <= running.budget
        assert running.spent_on_day == running.spent or timezone.localdate() != today
        assert running.daily_budget is None or running.spent_on_day <= running.daily_budget
