"""The auction keeps its promises whatever is bid."""

import random
from decimal import Decimal

from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from recommend.sponsored import candidates
from recommend.sponsored.pacing import Spending
from recommend.sponsored.second_price import UNIT, Entry, Won, hold


def entry(campaign: int, bid: str, relevance: float = 1.0, **more: object) -> Entry:
    fields = {"product_id": campaign, "store_id": campaign, "family": "", **more}
    return Entry(campaign_id=campaign, bid=Decimal(bid), relevance=relevance, **fields)


money = st.integers(1, 100_000).map(lambda units: units * UNIT)
reserves = st.sampled_from([UNIT, Decimal("0.05"), Decimal("1")])


@st.composite
def auctions(draw) -> list[Entry]:
    reserve = draw(reserves)
    worth = st.sampled_from([Decimal(1), Decimal("0.02")])
    return [
        Entry(
            campaign_id=number,
            product_id=draw(st.integers(1, 8)),
            store_id=draw(st.integers(1, 4)),
            family=draw(st.sampled_from(["", "", "cup", "mug"])),
            bid=draw(money),
            relevance=draw(st.floats(0, 1)),
            reserve=reserve,
            worth=draw(worth),
            rest=draw(st.integers(0, 3)),
        )
        for number in range(draw(st.integers(0, 10)))
    ]


def held(entries: list[Entry], places: int = 4, seed: int = 0, per_store: int = 2) -> list[Won]:
    return hold(entries, places, per_store=per_store, chance=random.Random(seed))


@given(auctions(), st.integers(0, 5), st.integers(0, 9))
def test_nobody_pays_above_the_bid_or_below_the_reserve(entries, places, seed):
    won = held(entries, places, seed)
    assert len(won) <= places
    for each in won:
        assert each.entry.reserve <= each.price <= each.entry.bid
        assert each.price % UNIT == 0


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # many an auction is won by nobody
@given(auctions(), st.data())
def test_a_price_does_not_depend_on_the_winners_own_bid(entries, data):
    won = held(entries)
    assume(won)
    place = data.draw(st.integers(0, len(won) - 1))
    winner, price = won[place].entry, won[place].price
    other_bid = data.draw(money)
    changed = [Entry(**{**each.__dict__, "bid": other_bid}) if each is winner else each for each in entries]
    again = held(changed)
    same_place = len(again) > place and again[place].entry.campaign_id == winner.campaign_id
    above = [each.entry.campaign_id for each in won[:place]] == [each.entry.campaign_id for each in again[:place]]
    assume(same_place and above)
    assert again[place].price == price


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # many an auction is contested by nobody
@given(auctions(), st.data())
def test_a_bid_below_the_price_loses_the_place_to_another_store(entries, data):
    won = held(entries)
    contested = [place for place, each in enumerate(won) if each.price > each.entry.reserve]
    assume(contested)
    place = data.draw(st.sampled_from(contested))
    winner, price = won[place].entry, won[place].price
    lowered = [Entry(**{**each.__dict__, "bid": price - UNIT}) if each is winner else each for each in entries]
    again = [each.entry for each in held(lowered)]
    assert again[place : place + 1] != [Entry(**{**winner.__dict__, "bid": price - UNIT})] or (
        # A place further up became free for somebody, so that it is another place by now.
        [each.campaign_id for each in again[:place]] != [each.entry.campaign_id for each in won[:place]]
    )


def runner(number: int, bid: Decimal) -> candidates.Runner:
    spending = Spending(
        bid=bid, budget=Decimal(100), spent=Decimal(0), spent_today=Decimal(0), starts_at=timezone.now(), ends_at=None,
        daily_budget=None, even=False,
    )  # fmt: skip
    return candidates.Runner(number, number, number, "", False, 5, spending)


@given(st.lists(st.tuples(money, st.floats(0, 1)), max_size=10), st.floats(0, 1))
def test_what_is_below_the_floor_neither_wins_nor_sets_a_price(offers, floor):
    runners = [runner(number, bid) for number, (bid, _) in enumerate(offers)]
    relevance = {number: each for number, (_, each) in enumerate(offers)}
    relevant = [each for each in runners if relevance[each.product_id] >= floor]
    with override_settings(SPONSORED_FLOOR=floor):
        with_all = held(candidates.entries(None, runners, relevance))
        assert all(each.entry.relevance >= floor for each in with_all)
        assert held(candidates.entries(None, relevant, relevance)) == with_all


@given(auctions(), st.integers(1, 3))
def test_no_store_product_family_or_campaign_has_more_than_its_share(entries, per_store):
    won = [each.entry for each in held(entries, 10, per_store=per_store)]
    stores = [each.store_id for each in won]
    assert all(stores.count(store) <= per_store for store in stores)
    assert len({each.product_id for each in won}) == len(won)
    families = [each.family for each in won if each.family]
    assert len(set(families)) == len(families)
    campaigns = [each.campaign_id for each in won]
    assert all(campaigns.count(each.campaign_id) <= each.rest for each in won)


@given(auctions())
@example([entry(1, "0.0001", 0.0)])
def test_places_go_by_bid_times_quality(entries):
    scores = [each.entry.score for each in held(entries, 10)]
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)


def test_the_second_price_in_numbers():
    won = held([entry(1, "1.00", 0.8), entry(2, "0.90", 0.5), entry(3, "0.30", 1.0)], 2)
    assert [(each.entry.campaign_id, each.price) for each in won] == [(1, Decimal("0.5625")), (2, Decimal("0.60"))]


def test_who_is_alone_pays_the_reserve():
    (won,) = held([entry(1, "5.00", reserve=Decimal("0.05"))])
    assert won.price == Decimal("0.05")


def test_a_store_does_not_bid_against_itself():
    won = held([entry(1, "5.00", store_id=7), entry(2, "4.00", store_id=7), entry(3, "1.00")], 3)
    assert [(each.entry.campaign_id, each.price) for each in won] == [
        (1, Decimal("1.00")), (2, Decimal("1.00")), (3, UNIT),
    ]  # fmt: skip


def test_another_colour_that_is_kept_out_still_sets_the_price():
    won = held([entry(1, "5.00", family="cup"), entry(2, "4.00", family="cup"), entry(3, "1.00")], 3)
    assert [(each.entry.campaign_id, each.price) for each in won] == [(1, Decimal("4.00")), (3, UNIT)]


def test_a_view_and_a_click_meet_at_what_a_view_is_worth():
    by_click = entry(1, "1.00", worth=Decimal("0.02"), reserve=Decimal("0.05"))
    by_view = entry(2, "0.01", worth=Decimal(1), reserve=Decimal("0.001"))
    won = held([by_click, by_view])
    assert [(each.entry.campaign_id, each.price) for each in won] == [(1, Decimal("0.50")), (2, Decimal("0.001"))]


def test_equal_scores_share_the_first_place():
    entries = [entry(1, "1.00"), entry(2, "1.00")]
    first = [held(entries, 1, seed)[0].entry.campaign_id for seed in range(40)]
    assert 8 <= first.count(1) <= 32
