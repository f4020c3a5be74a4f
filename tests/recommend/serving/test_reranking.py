"""Whose taste it is, and what it says of a search's hits."""

import pytest
from rest_framework.test import APIClient

from recommend.events.models import Shopper
from recommend.events.shoppers import COOKIE, SALT
from recommend.serving.reranking import shopper_of, taste_of
from search.query import SearchRequest, search
from tests.markets import act


def ids(market, *skus):
    return [market.products[sku].pk for sku in skus]


def test_what_fits_the_history_is_to_the_taste(market, shopper):
    act(shopper, "view SHOE-0", "view SHOE-1")
    wanted = ids(market, "TENT-3", "SOCK-0", "BOOK-5")
    tastes = taste_of(shopper, wanted)
    assert max(tastes, key=tastes.get) == wanted[1]
    assert set(tastes) == set(wanted)
    assert all(0 <= taste <= 1 for taste in tastes.values())


def test_what_was_hidden_is_least_liked(market, shopper):
    act(shopper, "view SHOE-0", "view SHOE-1", "not-for-me SOCK-0")
    assert taste_of(shopper, ids(market, "TENT-3", "SOCK-0"))[market.products["SOCK-0"].pk] == 0


def test_what_scores_alike_is_liked_alike(market, shopper, monkeypatch):
    act(shopper, "view SHOE-0")
    monkeypatch.setattr(market.live.model, "score_candidates", lambda history, rows: rows * 0.0)
    assert set(taste_of(shopper, ids(market, "TENT-3", "SOCK-0", "BOOK-1")).values()) == {0.5}


def test_without_a_history_or_a_model_there_is_no_taste(market, shopper, monkeypatch):
    assert taste_of(shopper, ids(market, "TENT-3", "SOCK-0")) == {}
    act(shopper, "view SHOE-0")
    monkeypatch.setattr("recommend.serving.profile.live", lambda: None)
    assert taste_of(shopper, ids(market, "TENT-3", "SOCK-0")) == {}


def test_who_switched_it_off_has_no_taste(market, shopper):
    act(shopper, "view SHOE-0")
    Shopper.objects.filter(pk=shopper.pk).update(personalised=False)
    assert taste_of(Shopper.objects.get(pk=shopper.pk), ids(market, "TENT-3", "SOCK-0")) == {}


def words(shopper=None, **more):
    return [hit.product.sku for hit in search(SearchRequest(q="acme", shopper=shopper, **more)).hits]


def test_a_search_is_in_the_order_of_the_shopper_within_its_bounds(market, shopper, settings):
    settings.SEARCH_PERSONAL_WEIGHT, settings.SEARCH_PERSONAL_MAX_MOVE = 0.9, 4
    usual = words()
    act(shopper, "view SHOE-0", "view SHOE-1", "view SHOE-2")
    personal = words(shopper)
    assert sorted(personal) == sorted(usual)
    assert personal != usual
    assert all(abs(usual.index(sku) - place) <= 4 for place, sku in enumerate(personal))
    socks = [sku for sku in usual if sku.startswith("SOCK")]
    assert sum(map(personal.index, socks)) <= sum(map(usual.index, socks))


@pytest.fixture
def browser(shopper):
    client = APIClient()
    from django.core.signing import get_cookie_signer

    client.cookies[COOKIE] = get_cookie_signer(salt=COOKIE + SALT).sign(shopper.key.hex)
    return client


def test_over_rest_the_cookie_tells_who_asks_and_personal_false_switches_it_off(market, shopper, browser, settings):
    settings.SEARCH_PERSONAL_WEIGHT = 0.9
    act(shopper, "view SHOE-0", "view SHOE-1", "view SHOE-2")
    address = "/api/v1/search?q=acme"
    usual = APIClient().get(address).json()
    mine = browser.get(f"{address}&explain=true").json()
    assert [hit["sku"] for hit in mine["hits"]] != [hit["sku"] for hit in usual["hits"]]
    assert mine["query"]["personal"] is True
    assert any(hit["explanation"].get("personal", {}).get("moved") for hit in mine["hits"])
    off = browser.get(f"{address}&personal=false").json()
    assert [hit["sku"] for hit in off["hits"]] == [hit["sku"] for hit in usual["hits"]]
    Shopper.objects.filter(pk=shopper.pk).update(personalised=False)
    off = browser.get(address).json()
    assert [hit["sku"] for hit in off["hits"]] == [hit["sku"] for hit in usual["hits"]]
    assert browser.get(f"{address}&personal=perhaps").status_code == 400


def test_the_page_is_personal_too_and_can_be_switched_off(market, shopper, browser, settings):
    settings.SEARCH_PERSONAL_WEIGHT = 0.9
    act(shopper, "view SHOE-0", "view SHOE-1", "view SHOE-2")

    def order(client, more=""):
        found = client.get(f"/search?q=acme{more}").context["listing"]
        return [card.product.sku for card in found.cards]

    usual = order(APIClient())
    assert order(browser) != usual
    assert order(browser, "&personal=off") == usual


def test_a_request_of_nobody_is_of_nobody(rf, db):
    known = Shopper.objects.count()
    assert shopper_of(rf.get("/search")) is None
    assert Shopper.objects.count() == known
