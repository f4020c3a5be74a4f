"""POST /api/v1/events: one event or many, once each, from whoever may send them."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from catalog.models import Product
from recommend.api import events as events_api
from recommend.api.events import EventSerializer
from recommend.events import parsing
from recommend.events.history import past_of
from recommend.events.models import Event, Shopper
from recommend.sponsored import ledger
from tests.keys import authorization

pytestmark = pytest.mark.django_db
Products = dict[str, Product]
PHONE = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
)
Post = Callable[..., Any]


@pytest.fixture
def client() -> APIClient:
    return APIClient(headers={"User-Agent": PHONE})


@pytest.fixture
def post(client: APIClient) -> Post:
    return lambda data, **options: client.post("/api/v1/events", data, format="json", **options)


@pytest.fixture
def key(db: None) -> dict[str, str]:
    return {"Authorization": authorization()}


def event(kind: str = "view", sku: str = "A", **more: Any) -> dict[str, Any]:
    return {"event_id": str(uuid.uuid4()), "kind": kind, "sku": sku, **more}


def statuses(answer: Any) -> list[str]:
    return [each["status"] for each in answer.json()["results"]]


def test_one_event_is_recorded_with_what_the_browser_tells(products: Products, post: Post) -> None:
    answer = post(event("click", "B", surface="for-you", position=2, happened_at=timezone.now().isoformat()))
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 1
    stored = Event.objects.get()
    assert (stored.kind, stored.product_id, stored.surface, stored.position) == (
        "click",
        products["B"].pk,
        "for-you",
        2,
    )
    assert stored.device == "phone"
    assert stored.shopper is not None


@pytest.mark.parametrize("wrap", [list, lambda events: {"events": events}], ids=["list", "object"])
def test_many_events_go_into_one_request(products: Products, post: Post, wrap: Any) -> None:
    assert post(wrap([event(sku=sku) for sku in "ABC"])).json()["accepted"] == 3


def test_a_beacon_sends_json_as_text(products: Products, client: APIClient) -> None:
    answer = client.post("/api/v1/events", json.dumps(event()), content_type="text/plain;charset=UTF-8")
    assert answer.json()["accepted"] == 1


def test_what_is_sent_again_is_recorded_once(products: Products, post: Post) -> None:
    events = [event(), event("cart")]
    assert statuses(post(events)) == ["accepted", "accepted"]
    again = post([*events, event("click")])
    assert statuses(again) == ["duplicate", "duplicate", "accepted"]
    assert (again.json()["accepted"], again.json()["duplicates"]) == (1, 2)
    assert Event.objects.count() == 3


def test_each_event_is_judged_by_itself_and_the_reasons_come_in_order(products: Products, post: Post) -> None:
    now = timezone.now()
    wrong = {
        "no product with the sku": event(sku="nowhere"),
        "future": event(happened_at=(now + timedelta(days=1)).isoformat()),
        "too long ago": event(happened_at=(now - timedelta(days=8)).isoformat()),
        "no kind of event": event("stare"),
        "needs its kind": {"event_id": str(uuid.uuid4()), "sku": "A"},
        "needs an event_id": {"kind": "view", "sku": "A"},
        "event_id is a UUID": {**event(), "event_id": "1"},
        "no field of an event": event(colour="red"),
        "An event is an object": 7,
        "is no time": event(happened_at="yesterday"),
        "needs its offset": event(happened_at="2026-11-24T10:00:00"),
        "position is a whole number": event(position=1.5),
        "value is a number": event("purchase", value="cheap"),
        "Only who sends an API key": event(shopper="someone"),
    }
    answer = post([event(), *wrong.values(), event(sku="B")])
    assert answer.status_code == 200
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (2, len(wrong))
    results = answer.json()["results"]
    assert [each["index"] for each in results] == list(range(len(wrong) + 2))
    for reason, result in zip(wrong, results[1:-1], strict=True):
        assert result["status"] == "rejected"
        assert reason in result["reason"]
    assert Event.objects.count() == 2


def test_only_if_nothing_was_right_the_answer_is_an_error(products: Products, post: Post) -> None:
    answer = post([event(sku="nowhere"), 3])
    assert answer.status_code == 400
    assert answer.json()["rejected"] == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("[]", 400),
        ("{", 400),
        ("NaN", 400),
        (b"\xff", 400),
        ("[" * 5000, 400),
        ("null", 400),
        (f"[{'1,' * 1000}1]", 413),
    ],
)
def test_a_body_that_holds_no_events_is_refused(products: Products, client: APIClient, body: Any, status: int) -> None:
    answer = client.post("/api/v1/events", body, content_type="application/json")
    assert answer.status_code == status
    assert not Event.objects.exists()


def test_a_body_too_large_to_hold_is_refused(products: Products, client: APIClient) -> None:
    answer = client.post("/api/v1/events", "[" + " " * (2 * 1024 * 1024) + "]", content_type="application/json")
    assert answer.status_code == 413


def test_a_form_and_a_get_are_told_what_to_do(products: Products, client: APIClient) -> None:
    assert client.post("/api/v1/events", {"kind": "view"}).status_code == 415
    assert client.get("/api/v1/events").status_code == 405


# Who ----------------------------------------------------------------------------------------------------------------


def test_a_stranger_becomes_known_by_a_signed_cookie_that_no_script_reads(
    products: Products, client: APIClient
) -> None:
    answer = client.post("/api/v1/events", event(), format="json")
    cookie = answer.cookies["shopper"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    client.post("/api/v1/events", event(sku="B"), format="json")
    shopper = Shopper.objects.get()
    assert [each.product_id for each in past_of(shopper).seen] == [products["A"].pk, products["B"].pk]


def test_a_forged_cookie_opens_no_history(products: Products, client: APIClient) -> None:
    victim = Shopper.objects.create()
    client.cookies["shopper"] = f"{victim.key.hex}:forged:signature"
    client.post("/api/v1/events", event(), format="json")
    assert past_of(victim).seen == []
    assert Event.objects.get().shopper != victim


def test_requests_that_start_a_session_at_once_are_one_shopper(products: Products) -> None:
    session = uuid.uuid4().hex
    for sku in "AB":
        APIClient(headers={"User-Agent": PHONE}).post("/api/v1/events", event(sku=sku, session=session), format="json")
    assert len(past_of(Shopper.objects.get()).seen) == 2


def test_a_session_that_can_be_guessed_stands_for_nobody(products: Products) -> None:
    for sku in "AB":
        APIClient(headers={"User-Agent": PHONE}).post("/api/v1/events", event(sku=sku, session="1"), format="json")
    assert Shopper.objects.count() == 2


def test_who_is_logged_in_acts_as_the_account(products: Products, client: APIClient) -> None:
    user = User.objects.create_user("ada")
    client.force_login(user)
    client.post("/api/v1/events", event(), format="json")
    assert Event.objects.get().shopper == Shopper.objects.get(user=user)


def test_a_shops_own_system_names_the_shopper(products: Products, post: Post, key: dict[str, str]) -> None:
    uuid_ = uuid.uuid4()
    answer = post(
        [event(shopper="customer 7"), event(sku="B", shopper="customer 7"), event(shopper=str(uuid_))], headers=key
    )
    assert answer.json()["accepted"] == 3
    assert "shopper" not in answer.cookies
    assert Shopper.objects.count() == 2
    assert len(past_of(Shopper.objects.get(key=uuid_)).seen) == 1


def test_a_shops_own_system_sends_sessions_and_strangers(products: Products, post: Post, key: dict[str, str]) -> None:
    session = uuid.uuid4().hex
    post([event(session=session), event(sku="B", session=session), event(sku="C")], headers=key)
    one = Shopper.objects.get().pk
    assert list(Event.objects.order_by("pk").values_list("shopper", flat=True)) == [one, one, None]


# Consent ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cookie", "headers", "required", "kept"),
    [
        (None, {}, False, True),
        (None, {}, True, False),
        ("yes", {}, True, True),
        ("no", {}, False, False),
        (None, {"DNT": "1"}, False, False),
        (None, {"Sec-GPC": "1"}, False, False),
        ("yes", {"DNT": "1"}, True, True),
        ("maybe", {}, True, False),
    ],
)
def test_nothing_personal_is_kept_without_consent(
    products: Products, client: APIClient, settings: Settings, cookie: Any, headers: Any, required: bool, kept: bool
) -> None:
    settings.EVENTS_REQUIRE_CONSENT = required
    if cookie:
        client.cookies["consent"] = cookie
    search = event("search", "", query="gift for my wife", session=uuid.uuid4().hex)
    answer = client.post("/api/v1/events", [event(), search], format="json", headers=headers)
    assert answer.json()["accepted"] == 2
    assert Shopper.objects.exists() == Event.objects.filter(shopper__isnull=False).exists() == kept
    assert Event.objects.exclude(query="").exists() == Event.objects.exclude(session="").exists() == kept
    assert ("shopper" in answer.cookies) == kept


def test_consent_may_be_refused_for_one_event(products: Products, post: Post) -> None:
    post([event(consent=False), event(sku="B")])
    assert dict(Event.objects.values_list("product__sku", "consent")) == {"A": False, "B": True}
    post(event("cart", consent=False))
    assert Event.objects.get(kind="cart").shopper is None


# Limits -------------------------------------------------------------------------------------------------------------


def test_a_client_sends_only_so_many_in_a_minute(
    products: Products, post: Post, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EVENTS_PER_MINUTE = 5
    # Minutes are the clock's, and one must not end meanwhile.
    monkeypatch.setattr("recommend.api.events.time", SimpleNamespace(time=lambda: 1_800_000_030.0))
    assert statuses(post([event() for _ in range(3)])) == ["accepted"] * 3
    over = post([event() for _ in range(4)])
    assert statuses(over) == ["accepted"] * 2 + ["rejected"] * 2
    assert "More than 5 events" in over.json()["results"][-1]["reason"]
    refused = post(event())
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) <= 60
    assert Event.objects.count() == 5
    assert post(event(), headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 429  # which anybody can make up
    assert post(event(), REMOTE_ADDR="192.0.2.7").status_code == 200  # another client


def test_with_a_key_there_is_no_limit_and_older_events_are_taken(
    products: Products, post: Post, settings: Settings, key: dict[str, str]
) -> None:
    settings.EVENTS_PER_MINUTE = 1
    old = (timezone.now() - timedelta(days=300)).isoformat()
    assert statuses(post([event(happened_at=old) for _ in range(3)], headers=key)) == ["accepted"] * 3


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "python-requests/2.32",
        "HeadlessChrome",
    ],
)
def test_what_programs_send_is_filtered(
    products: Products, post: Post, agent: str, settings: Settings, key: dict[str, str]
) -> None:
    answer = post([event(), event()], headers={"User-Agent": agent})
    assert answer.status_code == 200
    assert (answer.json()["filtered"], statuses(answer)) == (2, ["filtered"] * 2)
    assert not Event.objects.exists()
    assert not Shopper.objects.exists()
    assert post(event(), headers={"User-Agent": agent, **key}).json()["accepted"] == 1
    settings.EVENTS_FILTER_BOTS = False
    assert post(event(), headers={"User-Agent": agent}).json()["accepted"] == 1


def test_many_events_cost_as_many_queries_as_one(products: Products, post: Post, key: dict[str, str]) -> None:
    def cost(number: int, headers: dict[str, str], **more: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            answer = post([event(sku="ABC"[each % 3], **more) for each in range(number)], headers=headers)
        assert answer.json()["accepted"] == number
        return len(queries)

    post(event())
    post(event(), headers=key)  # notes that the key was used, once in minutes
    assert cost(1, {}) == cost(100, {}) <= 8
    assert cost(1, key, shopper="one") == cost(100, key, shopper="two")


# Sponsored places ---------------------------------------------------------------------------------------------------


@pytest.fixture
def bills(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    asked: list[uuid.UUID] = []
    monkeypatch.setattr(ledger, "clicked", asked.append)
    return asked


def test_a_click_on_a_sponsored_place_is_charged(products: Products, post: Post, bills: list[uuid.UUID]) -> None:
    placement = uuid.uuid4()
    post(event("click", placement=str(placement)))
    assert bills == [placement]


def test_staff_cost_nobody_anything(products: Products, client: APIClient, bills: list[uuid.UUID]) -> None:
    client.force_login(User.objects.create_user("staff", is_staff=True))
    answer = client.post("/api/v1/events", event("click", placement=str(uuid.uuid4())), format="json")
    assert answer.json()["accepted"] == 1
    assert bills == []


def test_clicks_of_one_address_are_charged_only_so_often(
    products: Products, post: Post, bills: list[uuid.UUID], settings: Settings, key: dict[str, str]
) -> None:
    settings.SPONSORED_CLICK_RATE = "2/min"
    placements = [uuid.uuid4() for _ in range(4)]
    clicks = [event("click", placement=str(each)) for each in placements]
    assert statuses(post(clicks)) == ["accepted"] * 4  # what is not charged for is an event all the same
    assert bills == placements[:2]
    post([event("click", placement=str(placements[2]))], headers={"X-Forwarded-For": "192.0.2.9"})
    assert bills == placements[:2]
    assert statuses(post(clicks)) == ["duplicate"] * 4
    assert set(bills) == set(placements[:2])
    post([event("click", placement=str(placements[3]))], headers=key)  # the shop's own system counts for itself
    assert bills[-1] == placements[3]


def test_who_sends_is_looked_at_only_where_it_costs_something(
    products: Products, post: Post, bills: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def by_a_person(request: Any) -> bool:
        asked.append(request)
        return True

    monkeypatch.setattr(events_api, "by_a_person", by_a_person)
    post([event("click"), event("cart", placement=str(uuid.uuid4()))])
    assert asked == []
    post([event("click", placement=str(uuid.uuid4())) for _ in range(3)])
    assert len(asked) == 1
    assert len(bills) == 3


# Description and hostile input --------------------------------------------------------------------------------------


def test_the_description_names_the_fields_that_are_read() -> None:
    assert set(EventSerializer().fields) == {*parsing.FIELDS, "shopper"}


NASTY = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(
    ["A", "\x00", "\ud800", "1e999", "-0", "9" * 400, "2026-02-30", "0001-01-01T00:00:00+14:00", "NaN", "Infinity",
     "9999-12-31T23:59:59-14:00", "9999999999.999", "1E+1000000", "1e-1000000", 10**400, -(2**63), str(uuid.uuid4())]
)  # fmt: skip
VALUES = st.recursive(
    NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NEARLY = st.fixed_dictionaries(
    {"event_id": st.uuids().map(str) | VALUES, "kind": st.sampled_from(Event.Kind.values) | VALUES},
    optional={"sku": st.just("A") | VALUES, **dict.fromkeys(parsing.FIELDS[3:], VALUES), "shopper": VALUES},
)


@pytest.mark.slow
@pytest.mark.parametrize("trusted", [True, False])
@bounded(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(NEARLY | VALUES, min_size=1, max_size=4))
def test_whatever_is_sent_each_event_gets_an_answer(
    products: Products, client: APIClient, key: dict[str, str], settings: Settings, trusted: bool, events: list[Any]
) -> None:
    settings.EVENT_RETENTION_DAYS = 0  # no age is refused for a trusted sender
    cache.clear()
    before = Event.objects.count()
    body = json.dumps(events)
    answer = client.post("/api/v1/events", body, content_type="application/json", headers=key if trusted else {})
    assert answer.status_code in (200, 400)
    if "results" in answer.json():
        assert len(answer.json()["results"]) == len(events)
        assert Event.objects.count() - before == answer.json()["accepted"]
