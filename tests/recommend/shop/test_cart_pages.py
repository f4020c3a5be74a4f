"""Adding from a page, changing, and placing a demonstration order."""

import re

import pytest
from django.http import HttpResponseRedirect
from django.test import Client
from django.utils import timezone

from catalog.models import Product, Promotion, Variant
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import shopper_of
from recommend.shop.cart import Cart
from recommend.shop.cart_pages import record_purchase

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}


def add(client, *skus: str, where: str = "", **fields):
    asked = "&".join(f"sku={sku}" for sku in skus)
    return client.post(f"/cart/add?{asked}{where}", fields, headers=FRAGMENT)


def kinds() -> list[tuple[str, int]]:
    return list(Event.objects.order_by("pk").values_list("kind", "quantity"))


def test_a_card_s_button_fills_the_cart_beside_the_open_page(client, catalogue):
    answer = add(client, "CUP-red", where="&surface=for-you&position=3")
    html = answer.content.decode()
    assert "Espresso cup, red is in your cart." in html
    assert 'id="cart-link"' in html
    assert 'hx-swap-oob="true"' in html
    assert "Cart, 1 thing" in html
    (event,) = Event.objects.all()
    assert (event.kind, event.product_id, event.surface, event.position) == (
        "cart", catalogue["CUP-red"].pk, "for-you", 3,
    )  # fmt: skip
    assert event.shopper is not None


def test_without_scripts_the_button_leads_back_to_the_page(client, catalogue):
    answer = client.post("/cart/add?sku=CUP-red", {"next": "/search?q=cup"})
    assert answer.headers["location"] == "/search?q=cup"
    assert "is in your cart" in client.get("/").content.decode()


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_a_button_leads_to_no_other_site(client, catalogue, back):
    answer = client.post("/cart/add?sku=CUP-red", {"next": back})
    assert answer.headers["location"] == "/"


def test_a_product_in_sizes_leads_to_its_page(client, catalogue):
    lamp = catalogue["LAMP-1"]
    answer = add(client, "LAMP-1")
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == f"{lamp.get_absolute_url()}#choices"
    page = client.get(f"{lamp.get_absolute_url()}?variant=LAMP-1-S").content.decode()
    fields = dict(re.findall(r'name="(sku|variant)" value="([^"]+)"', page))
    assert fields == {"sku": "LAMP-1", "variant": "LAMP-1-S"}
    client.post("/cart/add", {**fields, "quantity": "2"})
    assert "Small" in client.get("/cart").content.decode()


def test_all_that_is_bought_together_goes_in_at_once(client, catalogue):
    html = add(client, "CUP-red", "CHAIR-1", "CHAIR-2").content.decode()
    assert "Espresso cup, red and Folding chair are in your cart. Deck chair is sold out." in html
    assert kinds() == [("cart", 1), ("cart", 1)]


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5", "many", "99999", "²"])
def test_a_number_that_is_none_is_asked_for_again(client, catalogue, quantity):
    assert "A whole number" in add(client, "CUP-red", quantity=quantity).content.decode()
    assert kinds() == []


@pytest.mark.parametrize("address", ["/cart/add", "/cart/add?sku=nothing", "/cart/add?sku=%00"])
def test_what_is_not_sold_cannot_be_added(client, catalogue, no_nul, address):
    assert client.post(address).status_code == 404


def test_nothing_is_added_without_the_form_s_token(catalogue):
    assert Client(enforce_csrf_checks=True).post("/cart/add?sku=CUP-red").status_code == 403


def test_changing_the_number_tells_the_log_by_how_much(client, catalogue):
    add(client, "CUP-red", quantity="2")
    key = str(catalogue["CUP-red"].pk)
    html = client.post("/cart/change", {"line": key, "quantity": "5"}, headers=FRAGMENT).content.decode()
    assert "€45.00" in html
    client.post("/cart/change", {"line": key, "quantity": "4"}, headers=FRAGMENT)
    html = client.post("/cart/change", {"line": key, "quantity": "99"}, headers=FRAGMENT).content.decode()
    assert "Only 9" in html
    client.post("/cart/change", {"line": key, "quantity": "4", "remove": "1"})
    assert kinds() == [("cart", 2), ("cart", 3), ("remove", 1), ("remove", 4)]
    assert {str(each.value) for each in Event.objects.all()} == {"9.00"}
    assert "There is nothing in it yet" in client.get("/cart").content.decode()


def test_what_is_not_sold_any_more_is_taken_out_at_no_price(client, catalogue):
    add(client, "CUP-red", quantity="2")
    Product.objects.filter(sku="CUP-red").update(status="draft")
    client.post("/cart/change", {"line": str(catalogue["CUP-red"].pk), "remove": "1"}, headers=FRAGMENT)
    removed = Event.objects.get(kind="remove")
    assert (removed.quantity, removed.value) == (2, None)


@pytest.mark.parametrize("address", ["/cart/add?sku=CUP-red", "/cart/change", "/cart/order", "/not-for-me?sku=CUP-red"])
def test_one_address_presses_only_so_many_buttons(client, catalogue, settings, address):
    settings.SHOP_ACTION_RATE = "2/min"
    for _ in range(2):
        assert "in a minute" not in client.post(address, headers=FRAGMENT).content.decode()
    before = Event.objects.count()
    refused = Client().post(address, headers=FRAGMENT)
    assert refused.status_code == 429
    assert refused["HX-Reswap"] == "none", "what was pressed stays on the page"
    assert "Please wait a little" in refused.content.decode()
    assert Event.objects.count() == before
    assert Client().post(address, {"next": "/cart"}).headers["location"] == "/cart", "without scripts too"
    assert Client(REMOTE_ADDR="192.0.2.9").post(address, headers=FRAGMENT).status_code != 429


def test_a_demonstration_order_records_one_basket_and_takes_nothing(client, catalogue):
    add(client, "CUP-red", quantity="2")
    add(client, "CHAIR-1")
    assert "no money is taken" in client.get("/cart").content.decode()
    answer = client.post("/cart/order", follow=True)
    page = answer.content.decode()
    assert "demonstration order" in page
    assert "€97.90" in page
    bought = Event.objects.filter(kind="purchase").order_by("product_id")
    assert {(each.product.sku, each.quantity, str(each.value)) for each in bought} == {
        ("CUP-red", 2, "9.00"),
        ("CHAIR-1", 1, "79.90"),
    }
    (basket,) = {each.basket for each in bought}
    assert len(basket) == 32
    assert Product.objects.get(sku="CUP-red").stock == 9
    assert "There is nothing in it yet" in client.get("/cart").content.decode()


def test_an_order_is_not_placed_over_what_the_shopper_has_not_seen(client, catalogue):
    add(client, "CUP-red", quantity="5")
    Product.objects.filter(sku="CUP-red").update(stock=3)
    answer = client.post("/cart/order")
    assert answer.status_code == 409
    assert "Only 3 of Espresso cup, red left" in answer.content.decode()
    assert not Event.objects.filter(kind="purchase").exists()
    assert client.post("/cart/order").status_code == 302, "now it was seen"


def test_an_empty_cart_is_no_order(client, catalogue):
    assert client.post("/cart/order").status_code == 409
    assert client.get("/cart/ordered").headers["location"] == "/cart"


orders: dict = {}  # a shop's own


def checkout(request, content, basket):
    """What a shop connects: it keeps the order, and leads to where it is paid."""
    orders[basket.hex] = (shopper_of(request, create=True), content, basket)
    Cart(request.session).clear()
    return HttpResponseRedirect(f"https://pay.example/{basket.hex}")


def test_a_shop_s_own_checkout_takes_the_order(client, catalogue, settings):
    settings.SHOP_CHECKOUT = f"{__name__}.checkout"
    add(client, "CUP-red", quantity="2")
    page = client.get("/cart").content.decode()
    assert "demonstration" not in page
    address, number = client.post("/cart/order").headers["location"].rsplit("/", 1)
    assert address == "https://pay.example"
    assert "There is nothing in it yet" in client.get("/cart").content.decode(), "the checkout cleared it"
    assert not Event.objects.filter(kind="purchase").exists(), "nothing is paid yet"
    for _ in range(2):  # the payment's provider calls twice, and has no cookie
        record_purchase(*orders[number])
    bought = Event.objects.get(kind="purchase")
    assert (bought.shopper, bought.quantity, bought.basket) == (Shopper.objects.get(), 2, number)


def test_the_log_hears_the_price_that_the_cart_takes(client, catalogue):
    add(client, "CUP-red")  # 12 less 25 %
    client.post("/cart/add", {"sku": "LAMP-1", "variant": "LAMP-1-S"})
    Variant.objects.filter(sku="LAMP-1-L").update(stock=1)
    client.post("/cart/add", {"sku": "LAMP-1", "variant": "LAMP-1-L"})  # which has a price of its own
    three = Promotion.objects.create(
        name="3 for 2", slug="3-for-2", kind="buy_x_get_y", buy_quantity=2, free_quantity=1, starts_at=timezone.now()
    )
    three.products.add(catalogue["CHAIR-1"])
    add(client, "CHAIR-1", quantity="3")
    values = Event.objects.filter(kind="cart").order_by("pk").values_list("value", flat=True)
    assert [str(value) for value in values] == ["9.00", "10.00", "30.00", "53.27"]


def test_a_log_that_fails_keeps_nobody_from_buying(client, catalogue, monkeypatch, caplog):
    def down(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr("recommend.shop.telling.record", down)
    assert "is in your cart" in add(client, "CUP-red").content.decode()
    assert "Events were not recorded" in caplog.text


def test_who_did_not_agree_has_a_cart_and_leaves_no_trace(client, catalogue, settings):
    settings.EVENTS_REQUIRE_CONSENT = True
    assert "is in your cart" in add(client, "CUP-red").content.decode()
    (event,) = Event.objects.all()
    assert event.shopper is None
    assert "shopper" not in client.cookies


def test_a_line_of_another_product_s_variant_is_refused(client, catalogue):
    variant = Variant.objects.get(sku="LAMP-1-S")
    answer = client.post(
        "/cart/change", {"line": f"{catalogue['CUP-red'].pk}-{variant.pk}", "quantity": "1"}, follow=True
    )
    assert "not in your cart" in answer.content.decode()
    assert client.post("/cart/add?sku=CUP-red", {"variant": "LAMP-1-S"}).status_code == 404
