"""From a hit that was clicked, over REST and on the pages, to the cart and the order that it led to."""

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from catalog import services
from catalog.models import Product
from recommend.analytics.clicks import clicks_since
from recommend.events.drafts import EventDraft
from recommend.events.log import record
from recommend.events.models import Event, Shopper
from search.log.clicks import clicks_since as told_to_the_search
from search.models import LoggedSearch

NOW = timezone.now()
SEARCH, OTHER = uuid.uuid4(), uuid.uuid4()


@pytest.fixture
def cup(db) -> Product:
    return services.save_product(Product(sku="CUP", title="Cup", status="published"))


@pytest.fixture
def ada(db) -> Shopper:
    return Shopper.objects.create()


def search_of(kind: str) -> uuid.UUID | None:
    return Event.objects.filter(kind=kind).latest("pk").search_id


def did(shopper, product, kind, hours: float = 0, **more) -> EventDraft:
    return EventDraft(kind, shopper, product.pk, happened_at=NOW - timedelta(hours=hours), **more)


def test_a_cart_belongs_to_the_search_of_the_last_click_on_the_product(cup, ada, settings):
    record([did(ada, cup, "click", 3, search_id=OTHER), did(ada, cup, "click", 2, search_id=SEARCH)])
    record([did(ada, cup, "cart", 1)])
    assert search_of("cart") == SEARCH
    record([did(ada, cup, "purchase")])
    assert search_of("purchase") == SEARCH


def test_within_one_batch_as_well(cup, ada):
    record([did(ada, cup, "click", 2, search_id=SEARCH), did(ada, cup, "cart", 1), did(ada, cup, "cart", 3)])
    assert list(Event.objects.filter(kind="cart").order_by("happened_at").values_list("search_id", flat=True)) == [
        None, SEARCH,
    ]  # fmt: skip


def test_what_it_does_not_belong_to(cup, ada, settings):
    bowl = services.save_product(Product(sku="BOWL", title="Bowl", status="published"))
    record([did(ada, cup, "click", 30, search_id=SEARCH), did(ada, bowl, "click", 1)])
    for shopper, product in ((ada, cup), (ada, bowl), (Shopper.objects.create(), cup), (None, cup)):
        record([did(shopper, product, "cart", consent=shopper is not None)])
        assert search_of("cart") is None
    settings.SEARCH_ATTRIBUTION_HOURS = 48
    record([did(ada, cup, "cart")])
    assert search_of("cart") == SEARCH


def test_carts_cost_one_query_and_others_none(cup, ada, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        record([did(ada, cup, "view") for _ in range(5)])
    with django_assert_max_num_queries(6):
        record([did(ada, cup, "cart") for _ in range(5)])


def test_clicks_are_told_with_their_queries(cup, ada):
    row = LoggedSearch.objects.create(
        id=SEARCH, query="Cup", normalised="cup", mode="hybrid", surface="page", total=1, took_ms=1
    )
    record([did(ada, cup, "click", 2, search_id=row.pk, position=3), did(ada, cup, "view", 1)])
    record([did(ada, cup, "click", 1, search_id=OTHER)])
    first, second = clicks_since(NOW - timedelta(hours=9))
    assert (first.search_id, first.query, first.product_id, first.position) == (SEARCH, "cup", cup.pk, 3)
    assert (first.visitor, first.kind) == (ada.key, "click")
    assert (second.search_id, second.query) == (OTHER, "")
    assert list(told_to_the_search(NOW - timedelta(hours=9))) == [first, second]
    assert list(clicks_since(NOW - timedelta(hours=9), NOW - timedelta(hours=1, minutes=30))) == [first]
    assert list(clicks_since(NOW)) == []


def test_from_the_page_to_the_cart(shop, settings):
    """Real requests all the way: the page tells the search, the script's event names it, the cart is attributed."""
    settings.SEARCH_LOG_SAMPLE, settings.SEARCH_LOG_SECONDS = 1, 0
    browser = Client()
    page = browser.get("/search", {"q": "office chair"}).content.decode()
    card = re.search(r'data-sku="([^"]+)" data-position="(\d+)" data-search-id="([^"]+)"', page)
    assert card is not None
    sku, position, search_id = card.groups()
    click = {
        "event_id": str(uuid.uuid4()), "kind": "click", "sku": sku, "surface": "search", "position": int(position),
        "search_id": search_id,
    }  # fmt: skip
    assert browser.post("/api/v1/events", [click], content_type="application/json").json()["accepted"] == 1
    assert browser.post("/cart/add", {"sku": sku, "surface": "product"}).status_code in (200, 302)
    row = LoggedSearch.objects.get()
    assert str(row.pk) == search_id
    assert row.shown[int(position)] == Product.objects.get(sku=sku).pk
    cart = Event.objects.get(kind="cart")
    assert (cart.search_id, cart.surface) == (row.pk, "product")
    assert cart.shopper.key == row.visitor


def test_a_cards_own_button_names_the_search(shop, settings):
    settings.SEARCH_LOG_SAMPLE, settings.SEARCH_LOG_SECONDS = 1, 0
    browser = Client()
    page = browser.get("/search", {"q": "office chair"}).content.decode()
    address = re.search(r'hx-post="(/cart/add\?sku=[^"]+search=[^"]+)"', page)
    assert address is not None
    browser.post(address[1].replace("&amp;", "&"))
    cart = Event.objects.get(kind="cart")
    assert (cart.search_id, cart.surface) == (LoggedSearch.objects.get().pk, "search")
    assert cart.position is not None


@pytest.mark.parametrize("wrong", ["no uuid", 7, ["x"]])
def test_a_search_that_is_no_id_is_refused(cup, wrong):
    event = {"event_id": str(uuid.uuid4()), "kind": "click", "sku": "CUP", "search_id": wrong}
    answer = Client().post("/api/v1/events", [event], content_type="application/json")
    assert answer.status_code == 400
    assert "search_id" in answer.json()["results"][0]["reason"]
