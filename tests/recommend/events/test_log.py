"""What is stored of what was sent, and at what cost."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from catalog.models import Product
from recommend.events import log
from recommend.events.drafts import EventDraft
from recommend.events.log import record
from recommend.events.models import Event, Shopper
from recommend.sponsored import ledger

pytestmark = pytest.mark.django_db
Products = dict[str, Product]


def view(shopper: Shopper | None, sku: str = "A", **more: Any) -> EventDraft:
    return EventDraft("view", shopper, sku=sku, **more)


def test_an_event_is_stored_with_all_that_was_said(products: Products, shopper: Shopper) -> None:
    at = timezone.now() - timedelta(minutes=3)
    draft = EventDraft(
        "purchase", shopper, sku="B", event_id=uuid.uuid4(), happened_at=at, query="cup", surface="for-you", position=4,
        value=Decimal("9.90"), quantity=2, basket="b1", session="s1", device="phone",
    )  # fmt: skip
    assert record([draft]).accepted == 1
    stored = Event.objects.values().get()
    assert {
        "event_id": draft.event_id, "kind": "purchase", "shopper_id": shopper.pk, "product_id": products["B"].pk,
        "happened_at": at, "query": "cup", "surface": "for-you", "position": 4, "value": Decimal("9.90"),
        "quantity": 2, "basket": "b1", "session": "s1", "device": "phone", "consent": True,
    }.items() <= stored.items()  # fmt: skip


def test_an_event_sent_again_is_one_event(products: Products, shopper: Shopper) -> None:
    first = view(shopper, happened_at=timezone.now())
    again = view(shopper, event_id=first.event_id)  # and it lost its time on the way
    done = record([first, first]), record([first, view(shopper)]), record([again])
    assert [(each.accepted, each.duplicates) for each in done] == [(1, 1), (1, 1), (0, 1)]
    assert [each.repeated for each in done] == [[1], [0], [0]]
    assert Event.objects.count() == 2


def test_what_another_process_stored_in_between_is_left_alone(
    products: Products, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, beside = view(shopper, happened_at=timezone.now()), view(shopper, "B")

    own_row = log._row

    def raced(drafted: EventDraft, *arguments: Any) -> Event:
        """After it was looked for and before it is written, another process writes the same event."""
        if drafted.event_id == draft.event_id:
            own_row(drafted, *arguments).save()
        return own_row(drafted, *arguments)

    monkeypatch.setattr(log, "_row", raced)
    done = record([draft, beside])
    assert done.rejected == []
    assert Event.objects.filter(event_id=draft.event_id).count() == 1
    assert Event.objects.filter(event_id=beside.event_id).count() == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"kind": "stare"}, "no kind of event"),
        ({"sku": ""}, "needs the sku"),
        ({"sku": "nowhere"}, "no product with the sku 'nowhere'"),
        ({"sku": "", "product_id": 10**12}, "no product with the id"),
        ({"sku": "A\x00"}, "NUL"),
        ({"surface": "x" * 41}, "at most 40"),
        ({"session": "\ud800"}, "not valid Unicode"),
        ({"position": -1}, "position"),
        ({"position": 40_000}, "position"),
        ({"quantity": 0}, "quantity"),
        ({"value": Decimal("NaN")}, "price"),
        ({"value": Decimal(-1)}, "price"),
        ({"kind": "rating"}, "value of 1 to 5"),
        ({"kind": "rating", "value": Decimal("5.01")}, "value of 1 to 5"),
        ({"kind": "search", "sku": ""}, "needs the query"),
        ({"happened_at": datetime(2026, 1, 1)}, "offset"),
        ({"happened_at": timezone.now() + timedelta(days=1)}, "future"),
        ({"happened_at": timezone.now() - timedelta(days=800)}, "too long ago"),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason_and_spares_the_rest(
    products: Products, shopper: Shopper, wrong: dict[str, Any], reason: str
) -> None:
    bad = EventDraft(**{"kind": "view", "shopper": shopper, "sku": "A", **wrong})
    done = record([view(shopper), bad, view(shopper, "B")])
    assert (done.accepted, done.duplicates) == (2, 0)
    [(index, said)] = done.rejected
    assert index == 1
    assert reason in said
    assert Event.objects.count() == 2


def test_the_clock_of_a_client_may_be_a_little_ahead(products: Products, shopper: Shopper) -> None:
    now = timezone.now()
    drafts = [view(shopper, happened_at=now + timedelta(seconds=each)) for each in (299, 301)]
    assert [index for index, _ in record(drafts, received_at=now).rejected] == [1]


def test_a_caller_may_ask_for_fresher_events_than_the_log_keeps(products: Products, shopper: Shopper) -> None:
    now = timezone.now()
    drafts = [view(shopper, happened_at=now - timedelta(days=each)) for each in (6, 8)]
    assert record(drafts, received_at=now, max_age=timedelta(days=7)).rejected[0][0] == 1
    assert record(drafts, received_at=now).accepted == 1  # the first is there


def test_a_log_that_is_kept_for_ever_takes_any_age(products: Products, shopper: Shopper, settings: Settings) -> None:
    settings.EVENT_RETENTION_DAYS = 0
    assert record([view(shopper, happened_at=timezone.now() - timedelta(days=9000))]).accepted == 1


def test_without_consent_nothing_leads_to_the_shopper(products: Products, shopper: Shopper) -> None:
    personal = {"query": "my name", "basket": "b", "session": "s"}
    record([view(shopper, consent=False, device="phone", **personal), view(None, **personal)])
    for stored in Event.objects.values("shopper", "query", "basket", "session", "consent", "product"):
        assert stored == {
            "shopper": None, "query": "", "basket": "", "session": "", "consent": False, "product": products["A"].pk,
        }  # fmt: skip


def test_the_database_refuses_what_is_personal_without_consent(products: Products, shopper: Shopper) -> None:
    for personal in ({"shopper": shopper}, {"session": "s"}, {"query": "q"}):
        event = Event(event_id=uuid.uuid4(), kind="view", consent=False, happened_at=timezone.now(), **personal)
        with pytest.raises(IntegrityError, match="personal_only_with_consent"), transaction.atomic():
            event.save()


def test_many_events_cost_as_many_queries_as_one(products: Products, shopper: Shopper) -> None:
    def cost(number: int) -> int:
        drafts = [view(shopper, "ABCDE"[each % 5]) for each in range(number)]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert record(drafts).accepted == number
        return len(queries)

    assert cost(1) == cost(100) == cost(1000) <= 6  # one of them a lock, on PostgreSQL


def test_nothing_to_record_asks_nothing(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert record([]).accepted == 0


Bills = list[tuple[str, uuid.UUID | None]]


@pytest.fixture
def charged(monkeypatch: pytest.MonkeyPatch) -> Bills:
    """What the ledger was asked to charge."""
    asked: Bills = []
    monkeypatch.setattr(ledger, "clicked", lambda key: asked.append(("click", key)))
    monkeypatch.setattr(ledger, "seen", lambda key: asked.append(("view", key)))
    return asked


def test_a_click_on_a_sponsored_place_is_charged_after_it_is_stored(
    products: Products, shopper: Shopper, charged: Bills
) -> None:
    key, other = uuid.uuid4(), uuid.uuid4()
    click = EventDraft("click", shopper, sku="A", placement=key)
    cart = EventDraft("cart", shopper, sku="A", placement=other)
    unknown = EventDraft("view", shopper, sku="X", placement=other)
    record([click, cart, unknown, view(shopper, placement=other)])
    assert charged == [("click", key), ("view", other)]
    record([click])  # sent again, as the answer was lost: the ledger takes it once by itself
    assert charged[2:] == [("click", key)]


def test_a_bill_that_fails_loses_no_event(
    products: Products, shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(key: uuid.UUID) -> bool:
        raise RuntimeError("no ledger")

    monkeypatch.setattr(ledger, "clicked", fail)
    assert record([EventDraft("click", shopper, sku="A", placement=uuid.uuid4())]).accepted == 1
    assert Event.objects.count() == 1
