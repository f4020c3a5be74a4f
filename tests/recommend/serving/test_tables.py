"""What is counted in the log: what goes together, what crosses categories, and what rises."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from catalog import services
from catalog.models import Product
from recommend.events.models import Event, Shopper
from recommend.serving import tables
from recommend.serving.models import Companions, Demand

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def products() -> dict[str, Product]:
    made = {}
    for name in ("Shoes", "Socks", "Books"):
        category = services.add_category(name)
        for number in range(4):
            product = Product(
                sku=f"{name}-{number}", title=f"{name} {number}", category=category, price=Decimal(9), stock=3,
                status="published", family="pair" if name == "Shoes" and number > 1 else "",
            )  # fmt: skip
            made[product.sku] = services.save_product(product) or product
    Product.objects.update(published_at=NOW - timedelta(days=90))
    return made


def event(shopper, product, kind="view", *, days=1.0, basket="", **more) -> Event:
    return Event(
        event_id=uuid.uuid4(), kind=kind, shopper=shopper, product=product, basket=basket,
        happened_at=NOW - timedelta(days=days), **more,
    )  # fmt: skip


def shoppers(count: int) -> list[Shopper]:
    return Shopper.objects.bulk_create([Shopper() for _ in range(count)])


def baskets(products, lists, who=None) -> None:
    people = who or shoppers(len(lists))
    Event.objects.bulk_create(
        event(person, products[sku], "purchase", basket=f"B{number}")
        for number, (person, skus) in enumerate(zip(people, lists, strict=True))
        for sku in skus
    )


def test_what_is_bought_together_more_than_by_chance_is_kept_with_its_counts(products):
    baskets(products, [["Shoes-0", "Socks-0"]] * 8 + [["Shoes-0"]] * 2 + [["Books-0"], ["Books-1"]] * 10)
    tables.refresh(NOW)
    (companion,) = tables.companions([products["Shoes-0"].pk], "basket")[products["Shoes-0"].pk]
    assert companion.id == products["Socks-0"].pk
    assert (companion.together, companion.alone) == (8, 10)
    assert companion.lift == pytest.approx(8 * 30 / (10 * 8), abs=0.01)
    assert companion.g_squared > 10.83
    back = tables.companions([products["Socks-0"].pk], "basket")[products["Socks-0"].pk]
    assert [(each.id, each.alone) for each in back] == [(products["Shoes-0"].pk, 8)]


def test_what_meets_as_often_as_by_chance_is_left_out(products):
    baskets(products, [["Shoes-0", "Socks-0"], ["Shoes-0"], ["Socks-0"], ["Books-0"]] * 6)
    tables.refresh(NOW)
    assert not Companions.objects.filter(kind="basket").exists()


def test_one_persons_habit_is_not_shown_to_others(products):
    one = shoppers(1)[0]
    rest = [["Books-0"], ["Books-1"]] * 10
    baskets(products, [["Shoes-0", "Socks-0"]] * 8 + rest, [one] * 8 + shoppers(len(rest)))
    tables.refresh(NOW)
    assert not Companions.objects.filter(product=products["Shoes-0"], kind="basket").exists()


def test_colours_of_one_family_are_no_companions(products):
    baskets(products, [["Shoes-2", "Shoes-3"]] * 10 + [["Books-0"]] * 10)
    tables.refresh(NOW)
    assert not Companions.objects.exists()


def test_a_wholesale_basket_says_nothing(products, monkeypatch):
    monkeypatch.setattr("recommend.serving.pairs.MOST_IN_BASKET", 3)
    baskets(products, [["Shoes-0", "Socks-0", "Socks-1", "Socks-2"]] * 8 + [["Books-0"]] * 10)
    tables.refresh(NOW)
    assert not Companions.objects.filter(kind="basket").exists()


def test_purchases_without_a_baskets_name_are_together_by_day(products):
    people = shoppers(20)
    Event.objects.bulk_create(
        [event(who, products[sku], "purchase") for who in people[:8] for sku in ("Shoes-0", "Socks-0")]
        + [event(who, products["Books-0"], "purchase") for who in people[8:]]
    )  # fmt: skip
    tables.refresh(NOW)
    assert Companions.objects.filter(product=products["Shoes-0"], kind="basket").exists()


def wander(products, paths) -> None:
    """Each shopper views the products of one path, an hour apart."""
    Event.objects.bulk_create(
        event(person, products[sku], days=2 - step / 24)
        for person, path in zip(shoppers(len(paths)), paths, strict=True)
        for step, sku in enumerate(path)
    )


def test_what_comes_next_from_another_category_is_learned_one_way(products):
    wander(products, [["Shoes-0", "Shoes-1", "Socks-0"]] * 8 + [["Books-0", "Books-1"]] * 12)
    tables.refresh(NOW)
    found = tables.companions([products["Shoes-0"].pk, products["Socks-0"].pk], "crossing")
    assert [each.id for each in found[products["Shoes-0"].pk]] == [products["Socks-0"].pk]  # not Shoes-1: the same kind
    assert products["Socks-0"].pk not in found  # nobody went from socks to shoes
    categories = tables.crossings([products["Shoes-0"].category_id])
    (on,) = categories[products["Shoes-0"].category_id]
    assert on.id == products["Socks-0"].category_id
    assert (on.together, on.alone) == (8, 8)


def test_a_category_within_the_other_is_the_same_kind(products):
    running = services.add_category("Running shoes", products["Shoes-0"].category)
    Product.objects.filter(pk=products["Shoes-1"].pk).update(category=running)
    wander(products, [["Shoes-0", "Shoes-1"]] * 8 + [["Books-0"]] * 12)
    tables.refresh(NOW)
    assert not Companions.objects.exists()


def test_what_no_consent_was_given_for_is_not_counted(products):
    Event.objects.bulk_create(event(None, products["Shoes-0"], consent=False) for _ in range(20))
    assert tables.refresh(NOW).events == 0
    assert not Demand.objects.exists()


def test_the_devices_of_one_shopper_are_one(products):
    account = shoppers(1)[0]
    devices = shoppers(6)
    Shopper.objects.filter(pk__in=[each.pk for each in devices]).update(merged_into=account)
    Event.objects.bulk_create(event(who, products["Shoes-0"], days=1) for who in devices)
    tables.refresh(NOW)
    assert Demand.objects.get(product=products["Shoes-0"]).recent == 1


def usual_days(products) -> None:
    """Every product is viewed by two shoppers a day for 30 days."""
    people = shoppers(2)
    Event.objects.bulk_create(
        event(who, product, days=day + 0.5) for who in people for product in products.values() for day in range(30)
    )


def test_a_rise_is_against_the_products_own_past(products):
    usual_days(products)
    Event.objects.bulk_create(event(who, products["Books-0"]) for who in shoppers(20))
    tables.refresh(NOW)
    rises = dict(Demand.objects.values_list("product__sku", "rise"))
    assert max(rises, key=rises.get) == "Books-0"
    assert rises["Books-0"] > 3
    assert all(rise < 1 for sku, rise in rises.items() if sku != "Books-0")
    books = Demand.objects.get(product=products["Books-0"])
    assert books.recent == 26  # two a day for three days, and twenty more


@pytest.mark.slow
def test_a_busy_day_of_the_whole_shop_is_no_trend(products):
    usual_days(products)
    Event.objects.bulk_create(event(who, product) for who in shoppers(20) for product in products.values())
    tables.refresh(NOW)
    assert all(abs(rise) < 1 for rise in Demand.objects.values_list("rise", flat=True))


def test_refreshing_a_page_is_no_demand(products):
    usual_days(products)
    one = shoppers(1)[0]
    Event.objects.bulk_create(event(one, products["Books-0"], days=1 + minute / 1440) for minute in range(50))
    tables.refresh(NOW)
    assert Demand.objects.get(product=products["Books-0"]).recent <= 8


def test_purchases_count_more_than_views_and_old_events_less(products):
    people = shoppers(3)
    Event.objects.bulk_create(
        [event(people[0], products["Books-0"], "purchase"), event(people[1], products["Books-1"]),
         event(people[2], products["Books-2"], days=60)]
    )  # fmt: skip
    tables.refresh(NOW)
    popularity = dict(Demand.objects.values_list("product__sku", "popularity"))
    assert popularity["Books-0"] > 4 * popularity["Books-1"] > 4 * popularity["Books-2"] > 0


def test_counting_again_changes_nothing_and_drops_what_is_no_longer_so(products):
    baskets(products, [["Shoes-0", "Socks-0"]] * 8 + [["Books-0"], ["Books-1"]] * 10)
    first = tables.refresh(NOW)
    before = list(Companions.objects.order_by("product", "kind").values_list("product", "kind", "rows"))
    assert tables.refresh(NOW + timedelta(seconds=1)) == first
    assert list(Companions.objects.order_by("product", "kind").values_list("product", "kind", "rows")) == before
    Event.objects.all().delete()
    tables.refresh(NOW + timedelta(seconds=2))
    assert not Companions.objects.exists()
    assert not Demand.objects.exists()


def test_an_event_of_a_product_that_is_gone_does_no_harm(products):
    who = shoppers(1)[0]
    Event.objects.bulk_create([event(who, products["Books-0"])])
    Product.objects.filter(pk=products["Books-0"].pk).update(status="archived")
    assert tables.refresh(NOW).events == 0


def test_what_a_program_looked_at_is_no_demand(products):
    (bot,) = shoppers(1)
    skus = list(products)
    Event.objects.bulk_create(event(bot, products[skus[n % 2]], days=1 + n / 172_800) for n in range(200))
    assert tables.refresh(NOW).events == 0
