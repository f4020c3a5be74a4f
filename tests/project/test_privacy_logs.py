"""Whatever a person sends, and whatever fails meanwhile, nothing of them is in the lines that are logged."""

import io
import json
import logging
import uuid
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client

from recommend.events.models import Event, Shopper
from recommend.privacy.erasing import erase
from recommend.privacy.models import Erasure
from recommend.privacy.subjects import find
from search.log import writing
from tests.search.shop.conftest import _fresh_cache, _stocked, catalogue, indexed  # noqa: F401
from vetrina.monitoring import logs
from workers import tasks

pytestmark = pytest.mark.django_db
EMAIL, PASSWORD = "zyxann@private.example", "zyxpassword horse 9"
QUERY, NAME, STREET = "zyxquery", "Zyxfirst Zyxlast", "Zyxstreet 12"
ADDRESS, AGENT, SESSION = "203.0.114.77", "Zyxbrowser/5.0 (Mozilla)", "zyxsession-0123456789"
MARKERS = ("zyx", ADDRESS)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """All that every logger writes, down to DEBUG of the application, as it is written in production."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.json_lines())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def person(indexed, settings) -> Client:  # noqa: F811
    settings.SEARCH_LOG_SAMPLE, settings.SEARCH_LOG_SECONDS = 1, 0
    settings.EVENTS_FILTER_BOTS = False
    return Client(
        raise_request_exception=False,
        headers={"User-Agent": AGENT, "X-Shopper-Session": SESSION, "Referer": f"https://x.example/?name={NAME}"},
        REMOTE_ADDR=ADDRESS,
    )


def visit(client: Client) -> list[int]:
    """Everything that a shopper does, right and wrong; returns the statuses."""
    body = {"content_type": "application/json"}
    event = {"event_id": str(uuid.uuid4()), "kind": "search", "query": QUERY, "session": SESSION}
    wrong = {"event_id": str(uuid.uuid4()), "kind": "zyxkind", "sku": EMAIL, "query": NAME}
    told = [
        client.get(f"/search?q={QUERY}+{STREET}"),
        client.get(f"/search?q={QUERY}&page=zyx&price_min=zyx"),
        client.get(f"/api/v1/search?q={QUERY}"),
        client.post("/api/v1/search", json.dumps({"q": f"{QUERY} {EMAIL}"}), **body),
        client.get(f"/api/v1/suggest?q={QUERY}"),
        client.get(f"/p/{QUERY}"),
        client.get(f"/no/such/page/{QUERY}?mail={EMAIL}"),
        client.post("/api/v1/events", json.dumps([event, wrong]), **body),
        client.post("/api/v1/events", f'{{"query": "{QUERY}"', **body),
        client.post("/cart/add?sku=CUP-red", headers={"HX-Request": "true"}),
        client.post(f"/cart/add?sku={QUERY}", headers={"HX-Request": "true"}),
        client.post("/sign-in", {"username": EMAIL, "password": PASSWORD}),
        client.post("/sign-up", {"username": EMAIL, "password1": PASSWORD, "password2": PASSWORD}),
        client.post("/cart/order", {"name": NAME, "street": STREET}),
        client.get("/you"),
        client.post("/you/forget?event=zyx"),
        client.post("/admin/login/", {"username": EMAIL, "password": PASSWORD}),
        client.get(f"/{QUERY}", headers={"Host": "elsewhere.example"}),
        client.post("/you/erase", {"password": PASSWORD + "?"}),
        client.get("/", headers={"Cookie": f"sessionid={SESSION}; shopper={SESSION}:a:b"}),
    ]
    return [each.status_code for each in told]


def found(written: io.StringIO) -> list[str]:
    keys = [text for each in Shopper.objects.values_list("key", flat=True) for text in (str(each), each.hex)]
    lines = written.getvalue().splitlines()
    return [line for line in lines if any(each.lower() in line.lower() for each in (*MARKERS, *keys))]


@pytest.mark.slow
def test_a_visit_leaves_nothing_of_the_visitor(person: Client, written: io.StringIO) -> None:
    statuses = visit(person)
    assert User.objects.filter(email=EMAIL).exists()
    assert Event.objects.filter(query=QUERY).exists(), "the log of events has it, and is the place for it"
    assert {200, 302, 400, 404} <= set(statuses)
    assert len(written.getvalue().splitlines()) >= 20
    assert found(written) == []


@pytest.mark.slow
def test_a_visit_in_which_everything_fails_leaves_nothing(person: Client, written: io.StringIO, monkeypatch) -> None:
    def fail(*args: object, **options: object) -> None:
        # As PostgreSQL says it, with the values of the row.
        row = f"DETAIL:  Failing row contains (7, {QUERY}, {NAME}\n{STREET}, {SESSION})."
        raise IntegrityError(f"new row violates a constraint\n{row}") from ValueError("no")

    monkeypatch.setattr("recommend.shop.telling.record", fail)
    monkeypatch.setattr("search.log.writing.LoggedSearch.objects.bulk_create", fail)
    monkeypatch.setattr("search.shop.views.render", fail)
    statuses = visit(person)
    assert 500 in statuses
    assert "Events were not recorded" in written.getvalue()
    assert found(written) == []


@pytest.mark.slow
def test_tasks_leave_nothing(person: Client, written: io.StringIO) -> None:
    visit(person)
    writing.flush()
    erase(find(email=EMAIL), by=Erasure.By.COMMAND)
    for task in (tasks.tend_privacy, tasks.tend_event_log, tasks.tend_search_log, tasks.forget_placements,
                 tasks.count_companions, tasks.suggest_synonyms):  # fmt: skip
        task.apply()
    assert found(written) == []
