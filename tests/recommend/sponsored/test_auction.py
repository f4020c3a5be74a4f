"""Which campaigns take part in an auction, and what is written down of it."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import Q
from django.utils import timezone

from catalog.models import Product, Store, Variant
from recommend.models import Campaign, Placement, Shopper
from recommend.sponsored import auction, candidates

pytestmark = pytest.mark.django_db


def ids(campaign: Campaign) -> list[int]:
    return list(campaign.products.values_list("pk", flat=True))


def place(shopper: Shopper | None, relevance: dict[int, float], places: int, surface: str) -> list[auction.Placed]:
    """Among the campaigns for these products."""
    return auction.place(shopper, candidates.running(Q(pk__in=relevance)), relevance, places, surface)


def shows(campaign: Campaign, shopper: Shopper | None = None, relevance: float = 1.0, places: int = 4) -> bool:
    return bool(place(shopper, dict.fromkeys(ids(campaign), relevance), places, "home"))


def test_what_was_placed_is_written_down(campaign, shopper):
    running = campaign(charge="view", bid=Decimal("0.5"))
    (placed,) = place(shopper, {ids(running)[0]: 0.75}, 4, "cart")
    row = Placement.objects.get()
    assert (placed.product_id, placed.campaign_id, placed.by_view) == (ids(running)[0], running.pk, True)
    assert (row.key, row.campaign, row.shopper, row.surface) == (placed.placement_key, running, shopper, "cart")
    assert (row.price, row.relevance, row.position) == (placed.price, 0.75, 0)
    assert row.key.version == 4, "random, so that nobody guesses another one's link"


def test_relevance_comes_first(campaign, settings):
    settings.SPONSORED_FLOOR = 0.6
    rich, relevant = campaign(bid=Decimal(900), budget=Decimal(9000)), campaign(bid=Decimal("0.10"))
    placed = place(None, {ids(rich)[0]: 0.59, ids(relevant)[0]: 0.6}, 4, "home")
    assert [each.campaign_id for each in placed] == [relevant.pk]
    assert placed[0].price == Decimal("0.05"), "who did not take part sets no price"


def test_the_price_is_what_the_next_one_made_it(campaign):
    first, second = campaign(bid=Decimal(2)), campaign(bid=Decimal(1))
    placed = place(None, {ids(first)[0]: 0.8, ids(second)[0]: 0.6}, 4, "home")
    assert [(each.campaign_id, each.price) for each in placed] == [
        (first.pk, Decimal("0.75")),
        (second.pk, Decimal("0.05")),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"active": False},
        {"starts_at": timezone.now() + timedelta(days=1)},
        {"starts_at": timezone.now() - timedelta(days=2), "ends_at": timezone.now() - timedelta(seconds=1)},
        {"spent": Decimal(100)},
        {"spent": Decimal("99.96")},  # less is left than the reserve
        {"daily_budget": 1, "spent": 1, "spent_on_day": 1, "spending_day": "today"},
        {"bid": Decimal("0.04")},  # below the reserve
        {"cap_per_shopper": 0},
    ],
)  # fmt: skip
def test_a_campaign_that_may_not_or_cannot_pay_is_not_shown(campaign, fields):
    if "spending_day" in fields:
        fields = fields | {"spending_day": timezone.localdate()}
    assert shows(campaign())
    assert not shows(campaign(**fields))


def test_yesterdays_spending_is_not_todays(campaign):
    yesterday = timezone.localdate() - timedelta(days=1)
    assert shows(campaign(daily_budget=Decimal(1), spent=Decimal(1), spent_on_day=Decimal(1), spending_day=yesterday))


@pytest.mark.parametrize("change", [{"status": "draft"}, {"status": "archived"}, {"stock": 0}])
def test_a_product_that_cannot_be_bought_is_not_shown(campaign, change):
    running = campaign()
    Product.objects.filter(campaigns=running).update(**change)
    assert not shows(running)


def test_a_product_with_stock_in_a_variant_alone_is_shown(campaign):
    running = campaign()
    Product.objects.filter(campaigns=running).update(stock=0)
    Variant.objects.create(product=running.products.get(), sku="V", title="V", stock=1)
    assert shows(running)


def test_a_product_that_went_to_another_store_is_not_paid_for_by_the_first(campaign):
    running = campaign()
    Product.objects.filter(campaigns=running).update(store=Store.objects.create(name="Other", slug="other"))
    assert not shows(running)


def test_less_than_the_bid_left_lowers_the_bid(campaign):
    nearly_spent, rival = campaign(bid=Decimal(2), spent=Decimal("99.50")), campaign(bid=Decimal(1))
    placed = place(None, {ids(nearly_spent)[0]: 1.0, ids(rival)[0]: 1.0}, 4, "home")
    assert [(each.campaign_id, each.price) for each in placed] == [
        (rival.pk, Decimal("0.50")), (nearly_spent.pk, Decimal("0.05")),
    ]  # fmt: skip


def test_the_cap_counts_a_shoppers_devices_together_and_each_day_anew(campaign, shopper):
    running = campaign(cap_per_shopper=2)
    phone = Shopper.objects.create(merged_into=shopper)
    assert shows(running, shopper)
    assert shows(running, phone)
    assert not shows(running, shopper)
    assert not shows(running, phone)
    assert shows(running, Shopper.objects.create()), "of another shopper nothing is known"
    assert shows(running, None), "nor of a stranger"
    Placement.objects.update(shown_at=timezone.now() - timedelta(days=1))
    assert shows(running, shopper)


def test_the_cap_holds_within_one_answer(campaign, offer, shopper, settings):
    settings.SPONSORED_PER_STORE = 4
    running = campaign(*(offer(f"A-{number}") for number in range(4)), cap_per_shopper=3)
    assert len(place(shopper, dict.fromkeys(ids(running), 1.0), 4, "home")) == 3


def test_no_more_places_than_the_shop_allows(campaign, offer, settings):
    settings.SPONSORED_PLACES, settings.SPONSORED_PER_STORE = 3, 2
    running = [campaign(*(offer(f"{store}-{n}", store) for n in range(3))) for store in ("One", "Two", "Three")]
    placed = place(None, {id: 1.0 for each in running for id in ids(each)}, 12, "home")
    stores = list(
        Product.objects.filter(pk__in=[each.product_id for each in placed]).values_list("store__name", flat=True)
    )
    assert len(stores) == 3
    assert max(stores.count(name) for name in stores) <= 2


def test_a_campaign_ahead_of_its_plan_is_held_back(campaign):
    """5.50 of 10 may be spent by noon, and auctions are entered fully up to 4.50."""
    noon = datetime(2026, 3, 10, 12, tzinfo=UTC)
    running = campaign(
        pacing="even", daily_budget=Decimal(10), starts_at=noon - timedelta(days=3), spending_day=noon.date()
    )
    product, chance = ids(running)[0], random.Random(1)

    def times_shown(spent: str) -> int:
        Campaign.objects.update(spent=Decimal(spent), spent_on_day=Decimal(spent))
        runners = candidates.running(at=noon)
        return sum(
            len(auction.place(None, runners, {product: 1.0}, 4, "home", at=noon, chance=chance)) for _ in range(100)
        )

    assert times_shown("4.50") == 100
    assert 10 <= times_shown("5.25") <= 40
    assert times_shown("5.50") == 0


def test_as_many_queries_for_many_campaigns_as_for_one(campaign, shopper, django_assert_num_queries):
    first = campaign()
    relevance = {ids(first)[0]: 1.0}
    with django_assert_num_queries(3):
        assert len(place(shopper, relevance, 4, "home")) == 1
    more = [campaign() for _ in range(7)]
    relevance = {id: 1.0 for each in (first, *more) for id in ids(each)}
    with django_assert_num_queries(3):
        assert len(place(shopper, relevance, 4, "home")) == 4


@pytest.mark.parametrize(("relevance", "places"), [({}, 4), ({1: 0.1}, 4), ({1: 1.0}, 0), ({-5: 1.0}, 4)])
def test_nothing_to_place(db, relevance, places):
    assert place(None, relevance, places, "home") == []
