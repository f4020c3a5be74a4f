"""New arrivals: for this shopper, with a chance for what nobody has seen, and steady within an hour."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.utils import timezone

from catalog.models import Product
from recommend.events.models import Event, Shopper
from recommend.models import Exposure
from recommend.serving import exposure
from tests.markets import act

AT = timezone.now().replace(minute=30, second=0, microsecond=0)
NEW = [f"{kind}-{number}" for kind in ("SHOE", "BOOK", "LAMP", "TENT") for number in (6, 7)]


@pytest.fixture(autouse=True)
def _new(market):
    Product.objects.filter(sku__in=NEW).update(published_at=AT - timedelta(days=3))


def skus(answer):
    return [hit.product.sku for hit in answer.hits]


def test_only_what_is_new_is_shown(ask):
    assert set(skus(ask("new-arrivals", limit=40, at=AT))) == set(NEW)
    Product.objects.filter(sku="SHOE-6").update(published_at=AT - timedelta(days=31))
    Product.objects.filter(sku="SHOE-7").update(published_at=AT + timedelta(days=1))
    assert not {"SHOE-6", "SHOE-7"} & set(skus(ask("new-arrivals", limit=40, at=AT)))


def test_within_an_hour_the_order_stays_and_the_next_hour_differs(ask, shopper):
    hour = AT.replace(minute=0)
    first = skus(ask("new-arrivals", shopper, at=hour))
    exposure.flush()
    assert skus(ask("new-arrivals", shopper, at=hour + timedelta(minutes=59))) == first
    later = [skus(ask("new-arrivals", shopper, at=hour + timedelta(hours=n))) for n in range(1, 5)]
    assert any(each != first for each in later)


def test_shoppers_are_given_different_ones_to_try(ask):
    orders = {tuple(skus(ask("new-arrivals", Shopper.objects.create(), at=AT))) for _ in range(5)}
    assert len(orders) > 1


def mean_place(ask, who, sku, times=20):
    places = [skus(ask("new-arrivals", who, limit=20, at=AT + timedelta(hours=n))).index(sku) for n in range(times)]
    return np.mean(places)


@pytest.mark.slow
def test_what_fits_the_shopper_comes_sooner(ask, shopper):
    act(shopper, "view TENT-0", "view TENT-1", "view TENT-2")
    assert mean_place(ask, shopper, "TENT-6", times=80) < mean_place(ask, shopper, "LAMP-6", times=80)


def shown(market, sku, times, clicks):
    Exposure.objects.create(
        product=market.products[sku], hour=AT.replace(minute=0) - timedelta(hours=2), shown=times, clicks=clicks
    )


@pytest.mark.slow
def test_what_was_shown_often_and_not_clicked_sinks_below_what_nobody_saw(ask, market):
    shown(market, "BOOK-6", 500, 0)
    shown(market, "BOOK-7", 500, 100)
    assert mean_place(ask, None, "BOOK-7") < mean_place(ask, None, "LAMP-6") < mean_place(ask, None, "BOOK-6")


@pytest.mark.slow
def test_what_nobody_saw_is_drawn_first_at_times(market):
    shown(market, "BOOK-7", 200, 8)
    ids = [market.products[sku].pk for sku in ("BOOK-7", "LAMP-6")]
    draws = np.array([exposure.drawn(ids, str(n), AT) for n in range(300)])
    first = (draws[:, 1] > draws[:, 0]).mean()
    assert 0.1 < first < 0.7
    assert draws[:, 0].mean() == pytest.approx(8 / 200, rel=0.3)


def test_draws_are_even(market):
    draws = np.array([exposure._chance(f"shopper {n}") for n in range(2000)])
    assert draws.mean() == pytest.approx(0.5, abs=0.03)
    assert np.histogram(draws, 10, (0, 1))[0].min() > 140


def test_what_is_shown_is_counted_once_each_time_and_clicks_come_from_the_log(ask, market, shopper):
    for _ in range(3):
        ask("new-arrivals", limit=2, at=AT)
    exposure.flush()
    assert list(Exposure.objects.values_list("shown", flat=True)) == [3, 3]
    exposure.flush()
    assert sum(Exposure.objects.values_list("shown", flat=True)) == 6
    sku = skus(ask("new-arrivals", limit=1, at=AT))[0]
    act(shopper, f"click {sku}", until=AT, surface="new-arrivals")
    act(shopper, f"click {sku}", until=AT, surface="for-you")
    for _ in range(2):
        exposure.count_clicks(timezone.now() + timedelta(hours=1))
    assert Exposure.objects.get(product__sku=sku).clicks == 1
    assert Exposure.objects.get(product__sku=sku).shown == 3


def test_draws_stay_though_clicks_and_showings_are_counted_meanwhile(market, shopper):
    at = timezone.now()
    hour = at.replace(minute=0, second=0, microsecond=0)
    sure, ids = market.products["BOOK-6"].pk, [market.products[sku].pk for sku in NEW]
    for back in (1, 2, 3):
        Exposure.objects.create(product_id=sure, hour=hour - timedelta(hours=back), shown=50)
    late = {"until": hour - timedelta(hours=2), "surface": "new-arrivals"}
    act(shopper, *["click BOOK-6"] * 3, **late, received_at=hour - timedelta(hours=2, minutes=10))
    exposure.count_clicks(hour - timedelta(hours=1))
    before = exposure.drawn(ids, "", at)
    # Clicks of hours that are over: counted only now, and received only now.
    act(shopper, *["click BOOK-6"] * 20, **late, received_at=hour - timedelta(minutes=2))
    act(shopper, *["click BOOK-6"] * 20, **late, received_at=at)
    exposure.count_clicks(at + timedelta(seconds=1))
    exposure.shown(ids)
    exposure.flush()
    assert exposure.drawn(ids, "", at).tolist() == before.tolist()
    exposure.count_clicks(at + timedelta(hours=2))
    assert exposure.drawn([sure], "", at + timedelta(hours=2))[0] != exposure.drawn([sure], "", at)[0]
    assert sum(Exposure.objects.values_list("clicks", flat=True)) == 43


def test_a_draw_does_not_depend_on_what_else_is_asked_for(market):
    shown(market, "BOOK-6", 500, 100)
    ids = [market.products[sku].pk for sku in NEW]
    for id, draw in zip(ids, exposure.drawn(ids, "who", AT).tolist(), strict=True):
        assert exposure.drawn([id], "who", AT).tolist() == [draw]


def test_hours_that_are_over_are_dropped(market, settings):
    Exposure.objects.create(product=market.products["BOOK-6"], hour=AT - timedelta(days=40), shown=9)
    exposure.count_clicks(AT)
    assert not Exposure.objects.exists()


def test_a_click_is_counted_though_the_hour_was_never_flushed(market, shopper):
    at = datetime(2026, 1, 5, 10, 20, tzinfo=UTC)
    act(shopper, "click BOOK-6", until=at, surface="new-arrivals", received_at=at)
    exposure.count_clicks(at + timedelta(hours=1))
    (row,) = Exposure.objects.all()
    assert (row.shown, row.clicks, row.hour.minute) == (0, 1, 0)
    drawn = exposure.drawn([row.product_id], "", at + timedelta(hours=2))
    assert 0 < drawn[0] < 1


def test_a_brand_the_shopper_likes_is_the_reason(ask, shopper, market):
    act(shopper, "view SHOE-0", "view TENT-4", "view BOOK-0")  # all of Acme
    for hit in ask("new-arrivals", shopper, limit=20, at=AT).hits:
        if hit.reason.startswith("New from"):
            assert hit.reason == f"New from {hit.product.brand.name}, a brand you like"
            assert hit.why["brand"] == 3
            assert hit.product.brand.name == "Acme"
    Product.objects.filter(sku="LAMP-4").update(published_at=AT - timedelta(days=1))
    reasons = {hit.product.sku: hit.reason for hit in ask("new-arrivals", shopper, limit=20, at=AT).hits}
    assert reasons["LAMP-4"] == "New from Acme, a brand you like"


@pytest.mark.parametrize(("days", "words"), [(0.2, "today"), (1.2, "yesterday"), (5.2, "5 days ago")])
def test_a_stranger_is_told_since_when(ask, days, words):
    Product.objects.filter(sku="SHOE-6").update(published_at=AT - timedelta(days=days))
    reasons = {hit.product.sku: hit.reason for hit in ask("new-arrivals", limit=20, at=AT).hits}
    assert reasons["SHOE-6"].startswith("New in Shoes")
    assert reasons["SHOE-6"].endswith(words)


def test_nothing_is_new_in_a_shop_that_rests(ask):
    Product.objects.update(published_at=AT - timedelta(days=400))
    assert ask("new-arrivals", at=AT).hits == []
    assert not Event.objects.filter(surface="new-arrivals").exists()
