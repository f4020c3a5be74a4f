"""Reads answer in few queries and show shoppers only what is published."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from catalog import selectors, services
from catalog.models import Brand, OutboxEntry, Picture, Product, Promotion, Variant

pytestmark = pytest.mark.django_db


def make(sku="A", status="published", **fields) -> Product:
    return services.save_product(Product(sku=sku, title=f"Product {sku}", status=status, **fields))


def promotion(name="P", kind="percent", value=10, starts=-1, ends=1, **fields) -> Promotion:
    now = timezone.now()
    row = Promotion(
        name=name,
        kind=kind,
        value=value,
        starts_at=now + timedelta(days=starts),
        ends_at=None if ends is None else now + timedelta(days=ends),
        **fields,
    )
    services.save_named(row)
    return row


def test_cards_come_in_the_order_asked_for_and_without_what_is_hidden(django_assert_num_queries):
    brand = Brand(name="Acme")
    services.save_label(brand)
    category = services.add_category("Mugs")
    a, b, c = (make(sku, brand=brand, category=category) for sku in "ABC")
    hidden = make("D", status="draft")
    for position, sha in ((1, "1"), (0, "2")):
        Picture.objects.create(product=a, file=f"{sha}.png", width=1, height=1, sha256=sha, position=position)
    with django_assert_num_queries(2):
        cards = selectors.products_for_cards([c.pk, hidden.pk, a.pk, 999_999, c.pk, b.pk])
        assert [card.sku for card in cards] == ["C", "A", "B"]
        assert [picture.sha256 for picture in cards[1].pictures.all()] == ["2", "1"]
        assert {card.brand.name for card in cards} == {"Acme"}
        assert {card.category.name for card in cards} == {"Mugs"}


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_the_page_of_a_hidden_product_is_not_found(status):
    product = make(status=status)
    with pytest.raises(Product.DoesNotExist):
        selectors.product_by_slug(product.slug)
    services.publish([product.pk])
    assert selectors.product_by_slug(product.slug) == product


def test_a_family_leaves_out_the_product_itself_and_what_is_hidden():
    a, b = make("A", family="mug"), make("B", family="mug")
    make("C", family="mug", status="draft")
    make("D")
    assert selectors.family_of(a) == [b]
    assert selectors.family_of(Product(sku="x")) == []


def test_a_subtree_is_found_by_row_and_by_slug():
    food = services.add_category("Food")
    fruit = services.add_category("Fruit", food)
    services.add_category("Foodstuffs")
    assert set(selectors.category_subtree_ids(food)) == {food.pk, fruit.pk}
    assert selectors.category_subtree_ids("fruit") == [fruit.pk]
    assert selectors.category_subtree_ids("unknown") == []


def test_only_promotions_in_their_window_run():
    promotion("running")
    promotion("endless", ends=None)
    promotion("upcoming", starts=1, ends=2)
    promotion("expired", starts=-2, ends=-1)
    promotion("off", active=False)
    assert {row.name for row in selectors.running_promotions()} == {"running", "endless"}
    assert {row.name: row.state for row in Promotion.objects.all()} == {
        "running": "running",
        "endless": "running",
        "upcoming": "upcoming",
        "expired": "expired",
        "off": "off",
    }


class TestPromotionPrice:
    @pytest.mark.parametrize(
        ("kind", "value", "price"),
        [
            ("percent", 10, "8.99"),
            ("percent", Decimal("33.33"), "6.66"),
            ("percent", 100, "0.00"),
            ("amount", 3, "6.99"),
            ("amount", 50, "0.00"),
            ("buy_x_get_y", 0, None),
            ("free_shipping", 5, None),
            ("percent", 0, None),
        ],
    )
    def test_of_one_promotion(self, kind, value, price):
        promotion(kind=kind, value=value)
        product = make(price=Decimal("9.99"))
        got = selectors.promotion_price(product, selectors.running_promotions())
        assert got == (price and Decimal(price))

    def test_the_best_of_several_counts_alone(self):
        promotion("a", value=10)
        promotion("b", kind="amount", value=3)
        assert selectors.promotion_price(make(price=Decimal(10)), selectors.running_promotions()) == Decimal(7)

    def test_a_product_without_price_has_none(self):
        promotion()
        assert selectors.promotion_price(make(), selectors.running_promotions()) is None

    def test_scope_is_the_union_of_products_subtrees_and_brands(self, django_assert_num_queries):
        food = services.add_category("Food")
        fruit = services.add_category("Fruit", food)
        brand = Brand(name="Acme")
        services.save_label(brand)
        rows = {
            "named": make("A"),
            "below": make("B", category=fruit),
            "branded": make("C", brand=brand),
            "outside": make("D", category=services.add_category("Foodstuffs")),
        }
        Product.objects.update(price=Decimal(10))
        row = promotion()
        row.products.add(rows["named"])
        row.categories.add(food)
        row.brands.add(brand)
        promotions = selectors.running_promotions()
        loaded = {product.sku: product for product in Product.objects.select_related("category")}
        with django_assert_num_queries(0):
            prices = {sku: selectors.promotion_price(product, promotions) for sku, product in loaded.items()}
        assert prices == {"A": Decimal(9), "B": Decimal(9), "C": Decimal(9), "D": None}
        assert {p.sku for p in selectors.products_in_scope(row)} == {"A", "B", "C"}
        columns = Product.objects.values_list("sku", "pk", "brand_id", "category__path")
        with django_assert_num_queries(1):
            covered = {sku for sku, pk, brand_id, path in columns if promotions[0].covers_row(pk, brand_id, path or "")}
        assert covered == {"A", "B", "C"}

    def test_an_empty_scope_covers_all_that_is_published(self):
        row = promotion()
        assert row.covers_row(make("A").pk, None, "")
        make("B", status="draft")
        assert {p.sku for p in selectors.products_in_scope(row)} == {"A"}


def test_what_can_be_bought_is_in_stock_itself_or_in_a_variant():
    itself, variant, gone = make("A", stock=2), make("B"), make("C")
    Variant.objects.bulk_create(
        Variant(product=product, sku=f"{product.sku}{n}", title="V", stock=stock)
        for product, stocks in ((itself, (1, 1)), (variant, (0, 3, 4)), (gone, (0,)))
        for n, stock in enumerate(stocks)
    )
    assert list(Product.objects.filter(selectors.buyable()).order_by("pk")) == [itself, variant]
    with_pictures = Picture.objects.bulk_create(
        Picture(product=each, file=f"{each.sku}.png", width=1, height=1, sha256=each.sku)
        for each in (itself, variant, gone)
    )
    found = Picture.objects.filter(selectors.buyable("product")).order_by("pk")
    assert list(found) == with_pictures[:2]


def test_index_states_and_their_reasons(django_assert_num_queries):
    fresh, waiting, retried, failed = (make(sku) for sku in "ABCD")
    draft = make("E", status="draft")
    leaving = make("F", status="archived")
    OutboxEntry.objects.filter(product_id__in=[fresh.pk, draft.pk]).delete()
    OutboxEntry.objects.filter(product_id=retried.pk).update(attempts=2, error="store away")
    OutboxEntry.objects.filter(product_id=failed.pk).update(parked_at=timezone.now(), error="broken picture")
    pks = list(Product.objects.values_list("pk", flat=True))
    with django_assert_num_queries(2):
        states = selectors.index_state([*pks, 999_999])
    assert {pk: state.state for pk, state in states.items()} == {
        fresh.pk: "fresh",
        waiting.pk: "waiting",
        retried.pk: "waiting",
        failed.pk: "failed",
        draft.pk: "not indexed",
        leaving.pk: "waiting",
    }
    assert states[failed.pk].reason == "broken picture"
    assert "store away" in states[retried.pk].reason
    annotated = selectors.with_index_state(Product.objects.all()).values_list("pk", "index_state_name")
    assert dict(annotated) == {pk: state.state for pk, state in states.items()}


def test_a_sku_that_no_database_compares_is_not_asked_for(django_assert_num_queries):
    a, b = make("A/1"), make("B")
    make("C")
    assert set(selectors.with_skus(selectors.published_products(), "A/1", "B", "B\x00", "no")) == {a, b}
    with django_assert_num_queries(0):
        assert not selectors.with_skus(selectors.published_products(), "A\x00").first()
