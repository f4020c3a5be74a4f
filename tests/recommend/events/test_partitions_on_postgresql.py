"""The event log on PostgreSQL, where it is one of partitions: `make test-production` runs these."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from catalog.models import Product
from recommend.events import partitions
from recommend.events.drafts import EventDraft
from recommend.events.history import past_of
from recommend.events.log import record
from recommend.events.models import Event, Shopper
from recommend.events.partitions import REST, TABLE, Month
from recommend.events.retention import forget_old
from workers.tasks import tend_event_log

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="only on PostgreSQL has the log partitions"),
]
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
Products = dict[str, Product]


def draft(shopper: Shopper, at: datetime, sku: str = "A") -> EventDraft:
    return EventDraft("view", shopper, sku=sku, happened_at=at)


def where(at: datetime) -> str:
    """The table in which the event of a moment lies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM recommend_event WHERE happened_at = %s", [at])
        [(name,)] = cursor.fetchall()
    return str(name)


def keys_of(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass", [table])
        return {str(definition) for (definition,) in cursor.fetchall()}


def test_this_is_postgresql_and_the_log_is_partitioned_by_time() -> None:
    assert connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_partkeydef(%s::regclass)", [TABLE])
        assert cursor.fetchone() == ("RANGE (happened_at)",)
    assert {"PRIMARY KEY (id, happened_at)", "UNIQUE (event_id, happened_at, shop_id)"} <= keys_of(TABLE)
    assert [each for each in keys_of(TABLE) if each.startswith("FOREIGN KEY (shopper_id)")]


def test_an_event_goes_into_its_month_and_what_has_none_into_the_rest(products: Products, shopper: Shopper) -> None:
    partitions.make([Month(2026, 3)])
    edges = [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC) - timedelta(microseconds=1)]
    outside = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
    record([draft(shopper, at) for at in (*edges, outside)], received_at=edges[1])
    assert [where(at) for at in (*edges, outside)] == ["recommend_event_2026_03"] * 2 + [REST]
    assert len(past_of(shopper).seen) == 3


def test_ids_come_from_one_sequence_over_all_months(products: Products, shopper: Shopper) -> None:
    partitions.make([Month(2026, 2), Month(2026, 3)])
    record([draft(shopper, NOW - timedelta(days=each)) for each in (0, 30, 0, 30, 400)], received_at=NOW)
    ids = list(Event.objects.values_list("pk", flat=True))
    assert len(set(ids)) == len(ids) == 5
    first = Event.objects.earliest("pk")
    assert Event.objects.get(pk=first.pk) == first


def test_a_month_that_is_made_late_takes_its_events_out_of_the_rest(products: Products, shopper: Shopper) -> None:
    record([draft(shopper, NOW), draft(shopper, NOW - timedelta(days=40), "B")], received_at=NOW)
    before = list(Event.objects.order_by("pk").values())
    assert where(NOW) == REST
    assert partitions.make_ahead(NOW) == [Month(2026, 2), *(Month(2026, each) for each in (3, 4, 5, 6))]
    assert where(NOW) == "recommend_event_2026_03"
    assert list(Event.objects.order_by("pk").values()) == before
    assert partitions.make_ahead(NOW) == []


def test_a_late_month_has_the_keys_and_indexes_of_the_others(products: Products, shopper: Shopper) -> None:
    record([draft(shopper, NOW)], received_at=NOW)
    partitions.make([Month.of(NOW)])
    assert keys_of(Month.of(NOW).table) == keys_of(TABLE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename, count(*) FROM pg_indexes WHERE tablename LIKE %s GROUP BY 1", [f"{TABLE}%"])
        assert len({count for _, count in cursor.fetchall()}) == 1


def test_a_year_ends(products: Products) -> None:
    made = partitions.make_ahead(datetime(2026, 11, 30, tzinfo=UTC))
    assert made == [Month(2026, 11), Month(2026, 12), Month(2027, 1), Month(2027, 2)]


def test_an_event_is_stored_once_in_a_month_too(products: Products, shopper: Shopper) -> None:
    partitions.make([Month.of(NOW)])
    event = draft(shopper, NOW)
    assert record([event, draft(shopper, NOW, "B")], received_at=NOW).accepted == 2
    assert record([event], received_at=NOW).duplicates == 1
    row = Event.objects.get(event_id=event.event_id)
    row.pk = None
    Event.objects.bulk_create([row], ignore_conflicts=True)
    assert Event.objects.count() == 2


def test_a_month_is_dropped_when_all_of_it_is_too_old_and_the_edge_is_cut(
    products: Products, shopper: Shopper, settings: Settings
) -> None:
    settings.EVENT_RETENTION_DAYS = 60
    partitions.make([Month(2025, 12), Month(2026, 1), Month(2026, 3)])
    days = {"old month": 80, "edge, too old": 61, "edge, kept": 59, "in the rest, too old": 200, "fresh": 1}
    events = [
        Event(event_id=uuid.uuid4(), kind="view", shopper=shopper, product=products["A"], happened_at=at)
        for at in (NOW - timedelta(days=each) for each in days.values())
    ]
    Event.objects.bulk_create(events)
    gone = forget_old(NOW)
    assert (gone.months, gone.events) == (1, 2)
    assert partitions.months() == [Month(2026, 1), Month(2026, 3)]
    kept = sorted(NOW - each for each in Event.objects.values_list("happened_at", flat=True))
    assert kept == [timedelta(days=1), timedelta(days=59)]


def test_the_task_makes_what_is_next(products: Products) -> None:
    tend_event_log()
    assert Month.of(datetime.now(UTC)) in partitions.months()
    assert len(partitions.months()) >= 4


def test_a_query_for_a_window_reads_only_its_months(products: Products, shopper: Shopper) -> None:
    partitions.make([Month(2026, each) for each in (1, 2, 3)])
    plan = Event.objects.filter(happened_at__gte=NOW, happened_at__lt=NOW + timedelta(days=1)).explain()
    assert "recommend_event_2026_03" in plan
    assert "recommend_event_2026_01" not in plan


def test_erasing_a_shopper_erases_the_events_of_all_months(products: Products, shopper: Shopper) -> None:
    partitions.make([Month(2026, 2), Month(2026, 3)])
    record([draft(shopper, NOW), draft(shopper, NOW - timedelta(days=30))], received_at=NOW)
    shopper.delete()
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_copies_of_an_event_without_a_time_that_come_at_once_are_one_event(
    products: Products, shopper: Shopper
) -> None:
    """A client that did not wait for the answer has sent it again, and each copy is given a time of its own."""
    copies, start = 6, threading.Barrier(6)
    drafts = [EventDraft("view", shopper, sku="A") for _ in range(10)]

    def send(number: int) -> int:
        try:
            start.wait(30)
            at = NOW + timedelta(milliseconds=number)
            return sum(record([each], received_at=at, max_age=timedelta(days=7)).accepted for each in drafts)
        finally:
            connection.close()

    with ThreadPoolExecutor(copies) as pool:
        accepted = sum(pool.map(send, range(copies)))
    assert accepted == Event.objects.count() == len(drafts)
