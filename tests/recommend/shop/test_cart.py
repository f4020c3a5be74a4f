"""What a cart holds and costs, and what happens when the shop changes around it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from catalog.models import Product, Promotion, Variant
from recommend.shop.cart import MOST_LINES, Cart, CartError, ChoiceNeededError

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> dict:
    return {}


@pytest.fixture
def cart(session: dict) -> Cart:
    return Cart(session)


def offer(product: Product, **fields: object) -> Promotion:
    promotion = Promotion.objects.create(
        name="Offer", slug=f"offer-{Promotion.objects.count()}", starts_at=timezone.now() - timedelta(days=1), **fields
    )
    promotion.products.add(product)
    return promotion


def only_line(cart: Cart):
    (line,) = cart.content().lines
    return line


def test_pieces_add_up_and_cost_what_the_page_says(cart, session, catalogue):
    cart.add(catalogue["CUP-red"], quantity=2)
    cart.add(catalogue["CUP-red"])
    cart.add(catalogue["CHAIR-1"])
    content = Cart(session).content()
    assert Cart(session).count == 4
    assert [(line.product.sku, line.quantity, line.total) for line in content.lines] == [
        ("CUP-red", 3, Decimal("27.00")),  # 12 less 25 %, three times
        ("CHAIR-1", 1, Decimal("79.90")),
    ]
    assert content.totals == {"EUR": Decimal("106.90")}
    assert content.saved == {"EUR": Decimal("9.00")}
    assert content.notes == []


def test_no_more_can_be_added_than_there_are(cart, catalogue):
    cart.add(catalogue["CUP-red"], quantity=9)
    with pytest.raises(CartError, match="Only 9"):
        cart.add(catalogue["CUP-red"])
    assert cart.count == 9


@pytest.mark.parametrize("change", [{"stock": 0}, {"price": None}])
def test_what_is_sold_out_or_has_no_price_cannot_be_added(cart, catalogue, change):
    Product.objects.filter(sku="CUP-red").update(**change)
    with pytest.raises(CartError):
        cart.add(Product.objects.get(sku="CUP-red"))
    assert cart.count == 0


def test_a_size_is_chosen_first_and_has_its_own_price_and_stock(cart, catalogue):
    lamp = catalogue["LAMP-1"]
    small, large = lamp.variants.order_by("position")
    with pytest.raises(ChoiceNeededError):
        cart.add(lamp)
    with pytest.raises(CartError, match="sold out"):
        cart.add(lamp, large)
    Variant.objects.filter(pk=large.pk).update(stock=1)
    cart.add(lamp, Variant.objects.get(pk=large.pk))
    cart.add(lamp, small)
    assert [line.total for line in cart.content().lines] == [Decimal("30.00"), Decimal("10.00")]


def test_prices_and_stock_are_those_of_now(cart, catalogue):
    cart.add(catalogue["CHAIR-1"], quantity=5)
    cart.add(catalogue["CUP-red"])
    Product.objects.filter(sku="CHAIR-1").update(price=Decimal("50"), stock=2)
    Product.objects.filter(sku="CUP-red").update(status="archived")
    content = cart.content()
    assert [(line.product.sku, line.quantity, line.total) for line in content.lines] == [("CHAIR-1", 2, Decimal("100"))]
    assert len(content.notes) == 2
    assert "Only 2 of Folding chair left" in content.notes[0]
    assert cart.content().notes == [], "said once"
    assert cart.count == 2


def test_the_best_of_several_promotions_counts_alone(cart, catalogue):
    chair = catalogue["CHAIR-1"]
    offer(chair, kind="percent", value=10)
    offer(chair, kind="buy_x_get_y", buy_quantity=2, free_quantity=1)
    cart.add(chair, quantity=2)
    assert only_line(cart).total == Decimal("143.82"), "two at 10 % off"
    cart.add(chair)
    line = only_line(cart)
    assert (line.free, line.total) == (1, Decimal("159.80")), "three for two is less than three at 10 % off"
    cart.change(line.key, 8)
    assert only_line(cart).total == Decimal("479.40"), "six of eight: two bundles, and two at the full price"


def test_a_variant_of_another_product_is_not_taken_for_it(cart, session, catalogue):
    small = catalogue["LAMP-1"].variants.first()
    session["cart"] = {f"{catalogue['CUP-red'].pk}-{small.pk}": 1, "99999999": 1}
    content = cart.content()
    assert content.lines == []
    assert len(content.notes) == 1


def test_a_line_is_changed_and_taken_out(cart, catalogue):
    cart.add(catalogue["CUP-red"])
    key = only_line(cart).key
    cart.change(key, 4)
    assert cart.count == 4
    with pytest.raises(CartError):
        cart.change(key, 10)
    assert cart.count == 4
    cart.change(key, 0)
    assert cart.count == 0
    with pytest.raises(CartError):
        cart.change(key, 1)


def test_a_cart_holds_so_many_different_things(cart, session, catalogue):
    session["cart"] = {str(number): 1 for number in range(10_000, 10_000 + MOST_LINES)}
    with pytest.raises(CartError, match=str(MOST_LINES)):
        cart.add(catalogue["CUP-red"])


def test_a_session_that_holds_something_else_is_an_empty_cart(catalogue):
    assert Cart({"cart": "?"}).count == 0


def test_a_cart_costs_the_same_however_much_is_in_it(cart, catalogue, django_assert_num_queries):
    cart.add(catalogue["CUP-red"])
    cart.add(catalogue["LAMP-1"], catalogue["LAMP-1"].variants.first())
    with django_assert_num_queries(7):
        cart.content()
    cart.add(catalogue["CUP-blue"])
    cart.add(catalogue["CHAIR-1"])
    with django_assert_num_queries(7):
        cart.content()
