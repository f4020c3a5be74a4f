"""A campaign's money lasts the day and the window, and chances behave whatever was spent."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommend.sponsored.pacing import LEAD, Spending, chance

MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
NOON = MIDNIGHT + timedelta(hours=12)


def spending(**more: object) -> Spending:
    fields = {
        "bid": Decimal("0.10"), "budget": Decimal(1000), "spent": Decimal(0), "spent_today": Decimal(0),
        "starts_at": MIDNIGHT - timedelta(days=3), "daily_budget": Decimal(100), **more,
    }  # fmt: skip
    return Spending(**fields)


cents = st.integers(0, 20_000).map(lambda units: Decimal(units) / 100)
moments = st.integers(0, 86_399).map(lambda seconds: MIDNIGHT + timedelta(seconds=seconds))


@st.composite
def spendings(draw) -> Spending:
    today = draw(cents)
    begun = draw(st.integers(-10, 0))
    return Spending(
        bid=draw(st.integers(1, 50_000)) * Decimal("0.0001"),
        budget=draw(cents),
        spent=today + draw(cents),
        spent_today=today,
        starts_at=MIDNIGHT + timedelta(days=begun),
        ends_at=draw(st.none() | st.integers(1, 400).map(lambda hours: MIDNIGHT + timedelta(hours=hours))),
        daily_budget=draw(st.none() | cents),
        even=draw(st.booleans()),
    )


@given(spendings(), moments)
def test_a_chance_is_a_probability_and_none_without_money(plan, now):
    assert 0.0 <= chance(plan, now) <= 1.0
    if plan.spent >= plan.budget or (plan.daily_budget is not None and plan.spent_today >= plan.daily_budget):
        assert chance(plan, now) == 0.0


@given(spendings(), moments, cents)
def test_more_spent_is_never_a_better_chance(plan, now, more):
    dearer = Spending(**{**plan.__dict__, "spent": plan.spent + more, "spent_today": plan.spent_today + more})
    assert chance(dearer, now) <= chance(plan, now) + 1e-9


@given(spendings(), moments, moments)
def test_later_on_the_day_is_never_a_worse_chance(plan, first, second):
    first, second = sorted((first, second))
    assert chance(plan, first) <= chance(plan, second) + 1e-9


@given(spendings(), moments)
def test_who_is_behind_the_plan_takes_part_in_everything(plan, now):
    idle = Spending(**{**plan.__dict__, "spent": plan.spent - plan.spent_today, "spent_today": Decimal(0)})
    if idle.left > 0:
        assert chance(idle, now) == 1.0


@given(st.integers(0, 86_399), st.integers(1, 900).map(lambda cents: Decimal(cents) / 10))
def test_ahead_of_the_plan_by_the_lead_is_out(second, daily):
    now = MIDNIGHT + timedelta(seconds=second)
    plan = spending(daily_budget=daily, bid=Decimal("0.0001"))
    planned = daily * Decimal(second) / 86_400
    ahead = planned + daily * Decimal(str(LEAD)) + Decimal("0.01")
    assert chance(spending(daily_budget=daily, bid=plan.bid, spent=ahead, spent_today=ahead), now) == 0.0


def test_no_pacing_spends_until_the_money_is_gone():
    assert chance(spending(even=False, spent=Decimal(99), spent_today=Decimal(99)), MIDNIGHT) == 1.0


def test_without_a_daily_budget_or_an_end_there_is_nothing_to_spread_over():
    assert chance(spending(daily_budget=None, spent=Decimal(999)), NOON) == 1.0


def test_what_is_left_is_spread_over_the_days_that_are_left():
    # 400 of 1000 were left for four days at this midnight: 100 for today, of which 55 may be spent by noon.
    plan = {"daily_budget": None, "ends_at": MIDNIGHT + timedelta(days=4)}
    behind = spending(spent=Decimal(644), spent_today=Decimal(44), **plan)
    ahead = spending(spent=Decimal(656), spent_today=Decimal(56), **plan)
    assert chance(behind, NOON) == 1.0
    assert chance(ahead, NOON) == 0.0
    assert chance(spending(spent=Decimal(650), spent_today=Decimal(50), **plan), NOON) == pytest.approx(0.5)


def test_a_campaign_that_starts_at_noon_has_the_afternoon():
    late = {"starts_at": NOON, "daily_budget": Decimal(100)}
    assert chance(spending(spent=Decimal(30), spent_today=Decimal(30), **late), NOON + timedelta(hours=6)) == 1.0
    assert chance(spending(spent=Decimal(30), spent_today=Decimal(30), **late), NOON + timedelta(hours=1)) == 0.0


def test_a_bid_above_the_lead_can_still_be_shown():
    assert chance(spending(bid=Decimal(90)), MIDNIGHT) == 1.0


@pytest.mark.parametrize("traffic", [5_000, 20_000])
def test_a_day_of_shoppers_is_spent_on_evenly(traffic):
    """Ten times as many clicks are on offer as the day can pay for; each hour still gets its share."""
    draw, spent, by_hour = random.Random(1), Decimal(0), [Decimal(0)] * 24
    price = Decimal(1000) / traffic
    for number in range(traffic):
        now = MIDNIGHT + timedelta(days=1) * (number / traffic)
        if draw.random() < chance(spending(bid=price, spent=spent, spent_today=spent), now):
            spent += price
            by_hour[now.hour] += price
    assert 90 <= spent <= 100
    # The first hours also have the lead; no other is far from a twenty-fourth, and the last ones still have theirs.
    assert by_hour[0] <= 100 / 24 + 100 * LEAD
    assert all(2 <= each <= 7 for each in by_hour[3:])
