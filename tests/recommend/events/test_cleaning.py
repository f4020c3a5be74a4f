"""What is taken out of the log before models learn from it, and that the report adds up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from catalog.models import Product
from recommend.events.cleaning import KINDS, Rows, Rules, clean, from_log, from_tuples
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import merge
from tests.recommend.events.conftest import Do

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES = {code: kind for kind, code in KINDS.items()}


def log(*events: str, shopper: int = 1) -> Rows:
    """log("0 view 7", "2.5 click 7"): seconds, kind, product."""
    rows = []
    for event in events:
        seconds, kind, product = event.split()
        rows.append((shopper, int(product), kind, START + timedelta(seconds=float(seconds)), ""))
    return from_tuples(rows)


def told(rows: Rows) -> list[str]:
    return [f"{NAMES[int(kind)]} {product}" for kind, product in zip(rows.kinds, rows.products, strict=True)]


def test_a_double_click_is_one_click() -> None:
    rows, report = clean(log("0 click 1", "0.4 click 1", "1 click 2", "1.5 click 1"))
    assert told(rows) == ["click 1", "click 2"]
    assert (report["double_clicks"], report["kept"], report["events"]) == (2, 2, 4)


def test_a_refreshed_page_is_one_view_and_a_return_to_it_is_another() -> None:
    rows, report = clean(log("0 view 1", "600 view 1", "900 view 1", "1000 view 2", "1100 view 1"))
    assert told(rows) == ["view 1", "view 2", "view 1"]
    assert report["refreshes"] == 2


def test_no_product_follows_itself_and_the_strongest_event_stays() -> None:
    rows, report = clean(log("0 click 1", "9 view 1", "60 cart 1", "90 view 1", "100 view 2", "7000 view 2"))
    assert told(rows) == ["cart 1", "view 2"]
    assert (report["self_loops"], report["refreshes"]) == (4, 0)


def test_what_is_bought_again_on_another_day_stays() -> None:
    day = 86_400
    rows, report = clean(log("0 purchase 1", f"{day} view 1", f"{day + 60} purchase 1", f"{day + 600} purchase 1"))
    assert told(rows) == ["purchase 1", "purchase 1"]
    assert report["self_loops"] == 2


def test_who_looks_faster_than_a_person_is_a_program_and_leaves_nothing() -> None:
    fast = [(5, n, "view", START + timedelta(seconds=n * 0.9), "") for n in range(61)]
    person = [(6, n, "view", START + timedelta(seconds=n * 1.1), "") for n in range(61)]
    bought = [(7, n, "purchase", START, "basket") for n in range(200)]
    rows, report = clean(from_tuples(fast + person + bought))
    assert (report["bot_shoppers"], report["bots"]) == (1, 61)
    assert set(rows.shoppers) == {6, 7}
    assert report["kept"] == 261


def test_who_never_sleeps_is_a_program_too() -> None:
    steady = [(5, n, "click", START + timedelta(seconds=n * 20), "") for n in range(3001)]
    rows, report = clean(from_tuples(steady))
    assert (len(rows), report["bot_shoppers"]) == (0, 1)


def test_an_empty_log_is_clean() -> None:
    rows, report = clean(from_tuples([]))
    assert (len(rows), report["events"], report["kept"]) == (0, 0, 0)


EVENTS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.integers(1, 4),
        st.sampled_from(["view", "click", "rating", "like", "cart", "purchase"]),
        st.integers(0, 200_000).map(lambda seconds: START + timedelta(seconds=seconds / 2)),
        st.sampled_from(["", "b"]),
    ),
    max_size=60,
)
STRICT = Rules(bot_per_minute=4, bot_per_day=20)


@given(EVENTS)
def test_the_report_adds_up_and_nothing_is_made_up(events: list[Any]) -> None:
    before = from_tuples(events)
    rows, report = clean(before, STRICT)
    taken = sum(report[name] for name in ("double_clicks", "bots", "refreshes", "self_loops"))
    assert taken + report["kept"] == report["events"] == len(events)
    assert len(rows) == report["kept"]
    left = list(zip(rows.shoppers, rows.products, rows.kinds, rows.times, strict=True))
    there = list(zip(before.shoppers, before.products, before.kinds, before.times, strict=True))
    assert not [each for each in left if left.count(each) > there.count(each)]


@given(EVENTS)
def test_cleaning_twice_is_cleaning_once(events: list[Any]) -> None:
    once, _ = clean(from_tuples(events), STRICT)
    twice, report = clean(once, STRICT)
    assert told(once) == told(twice)
    assert report["kept"] == report["events"]


@given(EVENTS)
def test_in_what_is_left_no_product_follows_itself_unless_bought_again(events: list[Any]) -> None:
    rows, _ = clean(from_tuples(events), STRICT)
    same = (rows.shoppers[1:] == rows.shoppers[:-1]) & (rows.products[1:] == rows.products[:-1])
    assert np.all(rows.kinds[1:][same] == KINDS["purchase"])
    assert np.all(np.diff(rows.times)[same] > 0)


@pytest.mark.django_db
def test_the_log_is_read_by_shopper_and_time_with_devices_as_one(products: dict[str, Product], do: Do) -> None:
    account, device, other = (Shopper.objects.create() for _ in range(3))
    do(device, "view A", "click B")
    do(account, "cart C", until=timezone.now() - timedelta(hours=1))
    do(other, "purchase D", basket="one")
    merge(device, account)
    rows = from_log()
    ids = {name: product.pk for name, product in products.items()}
    assert list(rows.shoppers) == [account.pk] * 3 + [other.pk]
    assert list(rows.products) == [ids["C"], ids["A"], ids["B"], ids["D"]]
    assert list(rows.baskets > 0) == [False, False, False, True]


@pytest.mark.django_db
def test_what_may_not_be_used_or_speaks_for_nothing_is_not_read(products: dict[str, Product], do: Do) -> None:
    private, account, device = (Shopper.objects.create() for _ in range(3))
    do(private, "view A")
    do(None, "view B")
    do(account, "hide C", "remove D", "search", query="cups")
    do(device, "view E")
    merge(device, account)
    assert list(from_log().products) == [products["A"].pk, products["E"].pk]
    Shopper.objects.filter(pk__in=[private.pk, account.pk]).update(personalised=False)
    assert len(from_log()) == 0


@pytest.mark.django_db
def test_the_log_is_read_within_a_window(products: dict[str, Product], shopper: Shopper, do: Do) -> None:
    do(shopper, "view A", "view B", "view C")
    _, second, third = Event.objects.order_by("happened_at").values_list("happened_at", flat=True)
    assert list(from_log(since=second, until=third).products) == [products["B"].pk]
