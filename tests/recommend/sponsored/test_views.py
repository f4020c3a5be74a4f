"""The way to a sponsored product: always open, and charged for only when a person takes it."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.urls import reverse

from catalog.models import Product
from recommend.models import Campaign, Charge, Placement
from recommend.sponsored import ledger
from tests.recommend.sponsored.shop_server import BROWSER

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_rate_limit():
    cache.clear()


@pytest.fixture
def placement(campaign, shown) -> Placement:
    return shown(campaign(), "0.20")


def go(client, placement, **headers):
    return client.get(reverse("recommend:go", args=[placement.key]), headers={"User-Agent": BROWSER, **headers})


def test_a_click_leads_to_the_product_and_is_charged_once(client, placement):
    for _ in range(3):
        answer = go(client, placement)
        assert answer.status_code == 302
        assert answer["Location"] == placement.product.get_absolute_url()
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert Charge.objects.get().amount == Decimal("0.20")


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User-Agent": "curl/8.5.0"},
        {"User-Agent": ""},
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"X-Purpose": "preview"},
        {"Sec-Fetch-Mode": "no-cors"},  # <img src="/go/…">
        {"Sec-Fetch-Mode": "cors"},
    ],
)
def test_robots_and_preparations_are_led_on_and_cost_nothing(client, placement, headers):
    answer = go(client, placement, **headers)
    assert answer.status_code == 302
    assert not Charge.objects.exists()
    placement.refresh_from_db()
    assert placement.clicked_at is None
    assert go(client, placement).status_code == 302
    assert Charge.objects.count() == 1, "a person may still come afterwards"


def test_asking_for_the_head_alone_is_no_click(client, placement):
    assert (
        client.head(reverse("recommend:go", args=[placement.key]), headers={"User-Agent": BROWSER}).status_code == 302
    )
    assert not Charge.objects.exists()


def test_staff_look_without_paying(client, placement, django_user_model):
    client.force_login(django_user_model.objects.create_user("eve", is_staff=True))
    assert go(client, placement).status_code == 302
    assert not Charge.objects.exists()


def test_a_customer_who_is_logged_in_counts(client, placement, django_user_model):
    client.force_login(django_user_model.objects.create_user("ann"))
    go(client, placement)
    assert Charge.objects.exists()


def test_one_address_costs_only_so_much(client, campaign, shown, settings):
    settings.SPONSORED_CLICK_RATE = "3/min"
    running = campaign()
    placements = [shown(running) for _ in range(5)]
    assert [go(client, each).status_code for each in placements] == [302] * 5
    assert Charge.objects.count() == 3


def test_a_made_up_header_makes_no_other_address(client, campaign, shown, settings):
    settings.SPONSORED_CLICK_RATE = "3/min"
    running = campaign()
    for number in range(5):
        go(client, shown(running), **{"X-Forwarded-For": f"192.0.2.{number}"})
    assert Charge.objects.count() == 3


def test_a_proxy_of_the_shops_own_tells_the_address(client, campaign, shown, settings):
    settings.SPONSORED_CLICK_RATE = "1/min"
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    running = campaign()
    for heard in ("192.0.2.1", "made up, 192.0.2.1", "192.0.2.2"):  # the last one is what the proxy wrote
        go(client, shown(running), **{"X-Forwarded-For": heard})
    assert Charge.objects.count() == 2


def test_a_click_that_is_told_of_twice_is_one(client, campaign, shown, settings):
    settings.SPONSORED_CLICK_RATE = "2/min"
    running = campaign()
    first, second, third = shown(running), shown(running), shown(running)
    for placement in (first, first, first, second, third):
        go(client, placement)
    assert set(Charge.objects.values_list("placement", flat=True)) == {first.pk, second.pk}


def test_what_is_seen_uses_up_none_of_the_clicks(client, campaign, shown, settings):
    settings.SPONSORED_CLICK_RATE = "2/min"
    by_view, by_click = campaign(charge="view"), campaign()
    for each in [shown(by_view, "0.01") for _ in range(4)]:
        client.post(reverse("recommend:seen", args=[each.key]), headers={"User-Agent": BROWSER})
    assert Charge.objects.count() == 2, "a limit of their own"
    for each in [shown(by_click) for _ in range(4)]:
        go(client, each)
    assert Charge.objects.filter(campaign=by_click).count() == 2


def test_a_product_that_is_gone_is_not_paid_for(client, placement):
    Product.objects.update(status="archived")
    answer = go(client, placement)
    assert answer.status_code == 302
    assert not Charge.objects.exists()


def test_a_ledger_that_fails_does_not_stop_the_shopper(client, placement, monkeypatch):
    def locked(key):
        raise OperationalError("database is locked")

    monkeypatch.setattr(ledger, "clicked", locked)
    monkeypatch.setattr(ledger, "seen", locked)
    assert go(client, placement).status_code == 302
    assert (
        client.post(reverse("recommend:seen", args=[placement.key]), headers={"User-Agent": BROWSER}).status_code == 204
    )


@pytest.mark.parametrize("key", [uuid4(), "not-a-key", "00000000-0000-0000-0000-00000000000g", "%00"])
def test_an_unknown_or_broken_link_is_not_found(client, db, key):
    assert client.get(f"/go/{key}", headers={"User-Agent": BROWSER}).status_code == 404


def test_a_link_to_a_deleted_product_has_expired(client, placement):
    Product.objects.all().delete()
    assert go(client, placement).status_code == 404
    assert Placement.objects.filter(key=placement.key).exists(), "what was shown stays on record"


def test_being_seen_is_charged_for_views_alone_and_tells_nothing(client, campaign, shown):
    by_view, by_click = shown(campaign(charge="view"), "0.01"), shown(campaign(charge="click"))
    for key in (by_view.key, by_view.key, by_click.key, uuid4()):
        answer = client.post(reverse("recommend:seen", args=[key]), headers={"User-Agent": BROWSER})
        assert (answer.status_code, answer.content) == (204, b"")
    assert Charge.objects.get().placement == by_view
    robot = client.post(
        reverse("recommend:seen", args=[shown(campaign(charge="view")).key]), headers={"User-Agent": "curl/8"}
    )
    assert robot.status_code == 204
    assert Charge.objects.count() == 1


def test_what_was_seen_is_posted_and_not_asked_for(client, placement):
    assert client.get(reverse("recommend:seen", args=[placement.key])).status_code == 405


def test_a_spent_campaign_still_leads_to_the_product(client, placement):
    Campaign.objects.update(spent=100)
    assert go(client, placement).status_code == 302
    assert not Charge.objects.exists()
    placement.refresh_from_db()
    assert placement.clicked_at is not None
