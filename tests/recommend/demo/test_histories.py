"""Planting: what is written, that it is written once, and what of it depends on the seed and the time."""

from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from catalog.models import Product
from recommend.demo.histories import STALE_DAYS, plant
from recommend.events.cleaning import clean, from_log
from recommend.events.history import past_of
from recommend.events.models import Event, Shopper
from tests.recommend.demo.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop"), pytest.mark.slow]
FIELDS = ("event_id", "kind", "product_id", "happened_at", "basket", "session", "value", "quantity", "query")


def log() -> list[tuple]:
    return list(Event.objects.order_by("event_id").values_list(*FIELDS))


def test_the_same_seed_and_moment_give_the_same_events_whatever_was_there_between():
    plant(1, 60, now=NOW)
    first = log()
    Event.objects.all().delete()
    Shopper.objects.all().delete()
    plant(2, 10, now=NOW)
    Event.objects.all().delete()
    plant(1, 60, now=NOW)
    assert log() == first


def test_one_shopper_more_changes_no_other():
    plant(1, 40, now=NOW)
    first = set(log())
    Event.objects.all().delete()
    Shopper.objects.all().delete()
    plant(1, 41, now=NOW)
    assert first < set(log())


def test_planting_again_leaves_what_is_there():
    planted = plant(1, 40, now=NOW)
    assert planted.shoppers == 44
    assert planted.events == Event.objects.count() > 300
    again = plant(1, 40, now=NOW + timedelta(days=STALE_DAYS - 1))
    assert again.events == 0
    assert again.until == NOW
    assert Event.objects.count() == planted.events


def test_histories_that_grew_old_are_replaced_and_what_others_did_stays():
    plant(1, 40, now=NOW)
    ada = Shopper.objects.get(user__username="ada")
    own = Event.objects.create(
        event_id="6b0d1f7c-1111-4222-8333-444455556666", kind="view", shopper=ada, happened_at=NOW,
        product=Product.objects.first(),
    )  # fmt: skip
    later = NOW + timedelta(days=STALE_DAYS + 1)
    planted = plant(1, 40, now=later)
    assert planted.until == later
    assert Event.objects.count() == planted.events + 1
    assert Event.objects.get(pk=own.pk).shopper == Shopper.objects.get(user__username="ada")
    assert Event.objects.filter(kind="purchase").latest("happened_at").happened_at > NOW


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_named_shopper_has_not_met_what_their_habits_lead_to(seed):
    planted = plant(seed, 1, now=NOW)
    for account in planted.habits.accounts:
        shopper = Shopper.objects.get(user__username=account.name)
        seen = {each.product_id for each in past_of(shopper, limit=1000).seen}
        ahead = {ware.pk for habit in account.habits for family in habit.then for ware in family}
        assert seen
        assert not seen & ahead, account.name


def test_two_seeds_stand_side_by_side():
    one, two = plant(1, 20, now=NOW), plant(2, 20, now=NOW)
    assert Event.objects.count() == one.events + two.events
    assert get_user_model().objects.filter(username="ada").count() == 1


def test_nothing_happens_before_a_product_is_out_or_after_the_moment():
    plant(1, 150, now=NOW)
    for at, released in Event.objects.filter(product__isnull=False).values_list("happened_at", "product__released"):
        assert released <= at.date()
        assert at <= NOW


def test_an_order_shares_a_basket_and_a_moment():
    plant(1, 100, now=NOW)
    orders = defaultdict(list)
    for event in Event.objects.filter(kind="purchase").exclude(basket=""):
        orders[event.basket].append(event)
    assert max(map(len, orders.values())) >= 3
    for events in orders.values():
        assert len({(event.shopper_id, event.happened_at) for event in events}) == 1
    assert Event.objects.filter(kind="purchase", value__isnull=True).count() == 0


def test_some_shoppers_have_two_devices_that_are_one_history():
    plant(1, 150, now=NOW)
    seconds = Shopper.objects.filter(merged_into__isnull=False)
    assert 10 < seconds.count() < 50
    assert Event.objects.filter(shopper__in=seconds).exists()
    roots = set(from_log().shoppers.tolist())
    assert not roots & set(seconds.values_list("pk", flat=True))


def test_cleaning_finds_the_bots_and_reloads_and_leaves_the_rest():
    plant(1, 900, now=NOW)
    rows, report = clean(from_log())
    assert report["bot_shoppers"] >= 1
    assert report["double_clicks"] > 50
    per_shopper = Counter(rows.shoppers.tolist())
    assert max(per_shopper.values()) < 150
    assert len(per_shopper) > 700


def test_who_does_not_consent_is_in_no_history():
    plant(1, 300, now=NOW)
    without = Event.objects.filter(consent=False)
    assert without.exists()
    assert not without.filter(shopper__isnull=False).exists()


def test_named_shoppers_begin_their_habits_and_do_not_end_them():
    planted = plant(1, 5, now=NOW)
    for account in planted.habits.accounts:
        shopper = Shopper.objects.get(user__username=account.name)
        seen = Event.objects.filter(shopper__in=[shopper, *shopper.merged.all()], product__isnull=False)
        names = {planted.habits.by_pk[pk].name for pk in seen.values_list("product_id", flat=True)}
        for habit in account.habits:
            assert habit.when[0][0].name in names


def test_a_shop_without_products_is_left_alone():
    Product.objects.all().delete()
    planted = plant(1, 10, now=NOW)
    assert (planted.shoppers, planted.events, planted.until) == (0, 0, None)
    assert not Shopper.objects.exists()
