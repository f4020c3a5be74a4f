"""What a shopper did, as surfaces and models read it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Product
from recommend.events.cleaning import from_log
from recommend.events.drafts import EventDraft
from recommend.events.history import Past, past_of
from recommend.events.log import record
from recommend.events.models import Shopper
from recommend.events.shoppers import merge, unmerge
from recommend.serving import memory
from tests.recommend.events.conftest import Do

pytestmark = pytest.mark.django_db
Products = dict[str, Product]


def seen(shopper: Shopper | None, products: Products, limit: int = 50) -> list[str]:
    skus = {product.pk: sku for sku, product in products.items()}
    return [f"{each.kind} {skus[each.product_id]}" for each in past_of(shopper, limit).seen]


def test_a_history_is_what_speaks_for_products_oldest_first(products: Products, shopper: Shopper, do: Do) -> None:
    do(shopper, "view A", "click B", "cart C", "purchase C", "like D")
    assert seen(shopper, products) == ["view A", "click B", "cart C", "purchase C", "like D"]


def test_a_search_is_no_part_of_it(products: Products, shopper: Shopper, do: Do) -> None:
    do(shopper, "search", "view A", query="cup")
    assert seen(shopper, products) == ["view A"]


def test_only_the_last_events_are_given(products: Products, shopper: Shopper, do: Do) -> None:
    do(shopper, *["view A", "view B", "view C"] * 3)
    assert seen(shopper, products, 2) == ["view B", "view C"]
    assert seen(shopper, products, 0) == []


def test_what_was_taken_out_makes_no_history_shorter(products: Products, shopper: Shopper, do: Do) -> None:
    do(shopper, "view A", "view B", *["cart C", "remove C"] * 5)
    assert seen(shopper, products, 2) == ["view A", "view B"]


def test_times_know_their_offset_whatever_the_database_gives_back(products: Products, shopper: Shopper, do: Do) -> None:
    at = timezone.now()
    do(shopper, "view A", until=at)
    [event] = past_of(shopper).seen
    assert event.happened_at == at
    assert event.happened_at.utcoffset() == timedelta(0)


def test_a_stranger_has_no_past(db: None) -> None:
    assert past_of(None) == Past()


def test_another_shoppers_events_stay_theirs(products: Products, shopper: Shopper, do: Do) -> None:
    do(Shopper.objects.create(), "view A", "hide B", "purchase C")
    assert past_of(shopper) == Past()


def test_what_is_taken_out_of_the_cart_was_not_put_in(products: Products, shopper: Shopper, do: Do) -> None:
    do(shopper, "view A", "cart A", "cart B", "remove A", "cart C", "cart C", "remove C")
    assert seen(shopper, products) == ["view A", "cart B", "cart C"]
    do(shopper, "cart A")  # and put in again
    assert seen(shopper, products)[-1] == "cart A"


@pytest.mark.parametrize("kind", ["hide", "not-for-me"])
def test_what_is_not_wanted_leaves_the_history_and_a_like_brings_it_back(
    products: Products, shopper: Shopper, do: Do, kind: str
) -> None:
    hour = timezone.now() - timedelta(hours=1)
    do(shopper, "view A", "view B", f"{kind} A", until=hour)
    assert seen(shopper, products) == ["view B"]
    assert past_of(shopper).rejected == {products["A"].pk}
    do(shopper, "like A")
    assert seen(shopper, products) == ["view A", "view B", "like A"]
    assert past_of(shopper).rejected == set()


def test_a_bad_rating_speaks_for_nothing(products: Products, shopper: Shopper) -> None:
    now = timezone.now()
    record(
        [
            EventDraft("rating", shopper, sku=sku, value=Decimal(value), happened_at=now + timedelta(seconds=index))
            for index, (sku, value) in enumerate((("A", "5"), ("B", "2.5"), ("C", "3")))
        ]
    )
    assert seen(shopper, products) == ["rating A", "rating C"]


def test_what_was_bought_is_known(products: Products, shopper: Shopper, do: Do) -> None:
    do(shopper, "purchase A", "cart B", "purchase A")
    assert past_of(shopper).bought == {products["A"].pk}


def test_what_was_done_without_consent_is_in_no_history(products: Products, shopper: Shopper, do: Do) -> None:
    do(shopper, "view A", consent=False)
    do(shopper, "view B")
    assert seen(shopper, products) == ["view B"]


def test_all_devices_have_one_history_while_they_are_merged(products: Products, do: Do) -> None:
    account, phone, laptop = (Shopper.objects.create() for _ in range(3))
    now = timezone.now()
    do(phone, "view A", "hide E", until=now - timedelta(hours=2))
    do(account, "view B", "purchase D", until=now - timedelta(hours=1))
    do(laptop, "view C")
    merge(phone, account)
    merge(laptop, account)
    for each in (account, phone, laptop, Shopper.objects.get(pk=phone.pk)):
        assert seen(each, products) == ["view A", "view B", "purchase D", "view C"]
        assert past_of(each).rejected == {products["E"].pk}
        assert past_of(each).bought == {products["D"].pk}
    unmerge(phone)
    assert seen(account, products) == ["view B", "purchase D", "view C"]
    assert seen(phone, products) == ["view A"]


def test_an_event_is_in_the_next_answer_on_every_device(products: Products, do: Do) -> None:
    account, phone = Shopper.objects.create(), Shopper.objects.create()
    merge(phone, account)
    assert seen(account, products) == []
    do(phone, "view A")
    assert seen(account, products) == ["view A"]


def test_without_personalisation_only_wishes_count(products: Products, do: Do) -> None:
    account, phone = Shopper.objects.create(), Shopper.objects.create()
    do(account, "view A", "purchase B", "not-for-me C")
    merge(phone, account)
    Shopper.objects.filter(pk=account.pk).update(personalised=False)
    for each in (account, phone):
        assert past_of(each) == Past(rejected={products["C"].pk})


def test_who_refused_on_a_device_has_refused_on_the_account(products: Products, do: Do) -> None:
    account, phone = Shopper.objects.create(), Shopper.objects.create(personalised=False)
    do(account, "view A")
    do(phone, "view B")
    merge(phone, account)
    assert (past_of(account).seen, len(from_log())) == ([], 0)
    unmerge(phone)
    assert not Shopper.objects.filter(personalised=True).exists(), "the choice stays"


def test_the_account_alone_decides_from_then_on(products: Products, do: Do) -> None:
    account, phone = Shopper.objects.create(), Shopper.objects.create(personalised=False)
    do(phone, "view A")
    merge(phone, account)
    Shopper.objects.filter(pk=account.pk).update(personalised=True)
    assert seen(account, products) == ["view A"]
    assert [each.product_id for each in memory.past(account).seen] == [products["A"].pk]
    assert list(from_log().products) == [products["A"].pk], "models learn from what pages use"


def test_the_past_is_all_of_it_in_three_queries(
    products: Products, shopper: Shopper, do: Do, django_assert_num_queries: Any
) -> None:
    do(shopper, *["view A", "hide B", "purchase C"] * 20)
    with django_assert_num_queries(3):
        past = past_of(shopper)
    assert [each.product_id for each in past.seen] == [products["A"].pk, products["C"].pk] * 20
    assert (past.rejected, past.bought) == ({products["B"].pk}, {products["C"].pk})


def test_the_history_of_a_shopper_who_is_gone_is_empty(products: Products, shopper: Shopper, do: Do) -> None:
    do(shopper, "view A")
    gone = Shopper.objects.get(pk=shopper.pk)
    shopper.delete()
    assert past_of(gone).seen == []
