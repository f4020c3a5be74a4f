"""Trending, stores, brands and promotions."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from catalog.models import Category, Product, Promotion
from recommend.models import Demand
from recommend.serving.models import Companions
from tests.markets import act


def skus(answer):
    return [hit.product.sku for hit in answer.hits]


# Trending -------------------------------------------------------------------------------------------------------


def test_what_rises_most_is_shown_with_its_figures(ask):
    answer = ask("trending")
    assert skus(answer)[0] == "BOOK-0"
    row = Demand.objects.get(product__sku="BOOK-0")
    hit = answer.hits[0]
    assert (hit.why["recent"], hit.why["expected"]) == (row.recent, round(row.expected, 2))
    assert hit.reason.endswith(f": {row.recent} times in 3 days")
    assert row.recent / row.expected > 2
    assert f"{row.recent / row.expected:.0f} times as much as usual" in hit.reason


def test_a_category_has_its_own_trends(ask):
    assert skus(ask("trending", category=Category.objects.get(slug="tents"))) == []
    assert skus(ask("trending", category=Category.objects.get(slug="leisure")))[0] == "BOOK-0"


def test_nothing_trends_where_nothing_rises(ask):
    Demand.objects.update(rise=0)
    assert ask("trending").hits == []


# Stores and brands ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("surface", "subject"), [("stores", "store"), ("brands", "brand")])
def test_a_maker_comes_with_the_products_that_made_the_case(ask, shopper, surface, subject):
    act(shopper, "view SHOE-0", "view SHOE-1")
    answer = ask(surface, shopper, limit=10)
    assert len(answer.hits) == {"stores": 3, "brands": 4}[surface]
    assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)
    for hit in answer.hits:
        maker = getattr(hit, subject)
        assert hit.subject == maker
        assert 1 <= len(hit.products) <= 4
        assert all(getattr(made.product, subject) == maker for made in hit.products)
        assert all(made.reason for made in hit.products)
        assert hit.why["products"] == [made.product.sku for made in hit.products]


def test_a_brand_looked_at_again_and_again_comes_first_and_says_so(ask, shopper, market):
    act(shopper, "view SHOE-1", "view TENT-5", "view LAMP-1")  # all of Nord
    first = ask("brands", shopper).hits[0]
    assert first.brand.name == "Nord"
    assert first.reason == "You took an interest in 3 of its products"
    assert first.why["visited"] == 3


def test_a_stranger_gets_makers_of_what_is_popular(ask):
    first = ask("stores").hits[0]
    assert first.reason.endswith("popular lately")
    assert first.products[0].product.title in first.reason


def test_a_hidden_product_makes_no_case(ask, shopper):
    act(shopper, "view SHOE-0")
    shown = [made.product.sku for hit in ask("brands", shopper).hits for made in hit.products]
    act(shopper, f"hide {shown[0]}")
    again = [made.product.sku for hit in ask("brands", shopper).hits for made in hit.products]
    assert shown[0] not in again


# Promotions -----------------------------------------------------------------------------------------------------


@pytest.fixture
def promote(market):
    def make(name, *, kind="percent", value=20, days=(-1, 5), skus=(), categories=(), **more):
        now = timezone.now()
        made = Promotion.objects.create(
            name=name, slug=name.lower(), kind=kind, value=Decimal(value), starts_at=now + timedelta(days=days[0]),
            ends_at=now + timedelta(days=days[1]), **more,
        )  # fmt: skip
        made.products.set([market.products[sku] for sku in skus])
        made.categories.set(Category.objects.filter(slug__in=categories))
        return made

    return make


def names(answer):
    return [hit.promotion.name for hit in answer.hits]


def test_the_promotion_that_matters_to_the_shopper_comes_first(ask, shopper, promote):
    promote("Tents", categories=["tents"])
    promote("Socks", categories=["socks"])
    act(shopper, "view SHOE-0", "view SHOE-1")
    assert names(ask("promotions", shopper))[0] == "Socks"
    first = ask("promotions", shopper).hits[0]
    assert all(made.product.sku.startswith("SOCK") for made in first.products)
    assert first.reason.startswith("20% off on Merino wool sock")
    act(shopper, "view TENT-0", "view TENT-1", "view TENT-3")
    answer = ask("promotions", shopper)
    assert names(answer)[0] == "Tents"


def test_what_was_looked_at_and_not_bought_makes_the_case(ask, shopper, promote):
    promote("Lamps", categories=["lamps"])
    act(shopper, "view LAMP-3")
    (hit,) = ask("promotions", shopper).hits
    assert hit.products[0].product.sku == "LAMP-3"
    assert hit.reason == "20% off on Bedside reading lamp 3: you looked at it"
    assert hit.why["seen"] == ["LAMP-3"]


def test_what_saves_more_comes_first_where_all_else_is_equal(ask, promote):
    promote("Little", value=5, categories=["tents"])
    promote("Much", value=60, categories=["tents"])
    assert names(ask("promotions")) == ["Much", "Little"]


def test_expired_upcoming_and_switched_off_promotions_never_show(ask, shopper, promote):
    promote("Over", days=(-9, -1), categories=["socks"])
    promote("Later", days=(1, 9), categories=["socks"])
    promote("Off", active=False, categories=["socks"])
    act(shopper, "view SHOE-0", "view SOCK-1")
    assert names(ask("promotions", shopper)) == []
    promote("Now", categories=["socks"])
    assert names(ask("promotions", shopper)) == ["Now"]
    assert names(ask("promotions", shopper, at=timezone.now() + timedelta(days=6))) == ["Later"]


def test_a_promotion_with_nothing_left_to_buy_never_shows(ask, promote):
    promote("Tents", categories=["tents"])
    promote("One", skus=["LAMP-1"])
    Product.objects.filter(category__slug="tents").update(stock=0)
    assert names(ask("promotions")) == ["One"]
    Product.objects.filter(sku="LAMP-1").update(status="archived")
    assert names(ask("promotions")) == []


def test_a_promotion_of_everything_shows_what_fits(ask, shopper, promote):
    promote("All")
    act(shopper, "view TENT-0", "view TENT-1")
    (hit,) = ask("promotions", shopper).hits
    assert {made.product.sku[:4] for made in hit.products} >= {"TENT"}


@pytest.mark.parametrize(
    ("kind", "value", "more", "words"),
    [
        ("percent", "12.50", {}, "12.5% off on"),
        ("amount", "3.00", {}, "3 EUR off on"),
        ("buy_x_get_y", "0", {"buy_quantity": 2, "free_quantity": 1}, "3 for 2 on"),
        ("free_shipping", "0", {}, "Free shipping on"),
    ],
)
def test_every_kind_is_said_as_it_is(ask, promote, kind, value, more, words):
    promote("Offer", kind=kind, value=value, categories=["lamps"], **more)
    (hit,) = ask("promotions").hits
    assert hit.reason.startswith(words)


def test_a_promotion_that_no_candidate_is_of_shows_all_the_same(ask, promote, shopper, monkeypatch):
    monkeypatch.setattr("recommend.surfaces.promotions.WITHIN", 0)
    monkeypatch.setattr("recommend.serving.candidates.POPULAR", 0)
    promote("Lamps", categories=["lamps"])
    assert names(ask("promotions")) == ["Lamps"]


# All of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("surface", "most"), [("trending", 5), ("stores", 6), ("brands", 6), ("promotions", 10)])
def test_queries_do_not_grow(ask, promote, surface, most, django_assert_max_num_queries):
    for number in range(6):
        promote(f"Offer {number}", categories=["lamps", "socks"])
    with django_assert_max_num_queries(most):
        ask(surface, limit=10)


def test_without_a_model_all_of_them_still_answer(no_model, ask, shopper, promote):
    promote("Socks", categories=["socks"])
    act(shopper, "view SHOE-0")
    assert Companions.objects.exists()
    for surface in ("trending", "stores", "brands", "promotions", "for-you"):
        assert ask(surface, shopper).hits, surface
