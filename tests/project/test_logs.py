"""Log lines: one JSON object each, with the request they belong to, and nothing about who sent it."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from celery import shared_task
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from vetrina.celery import app
from vetrina.monitoring import logs, tasks


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What is logged during the test, as it is written in production."""
    told: list[dict[str, Any]] = []

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            told.extend(json.loads(line) for line in text.splitlines() if line)
            return len(text)

    handler = logging.StreamHandler(Stream())
    handler.setFormatter(logs.json_lines())
    root = logging.getLogger()
    root.addHandler(handler)
    yield told
    root.removeHandler(handler)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Key (email)=(Ann.O'x+1@shop.example) exists", "Key (email)=(Ann.O'[e-mail]) exists"),
        ("GET /search?q=red+shoes&page=2 failed", "GET /search?[query] failed"),
        ("https://a.example/x?token=abc end", "https://a.example/x?[query] end"),
        (
            'violates "x"\nDETAIL:  Failing row contains (7, ann,\nof\nx).\nCONTEXT: y',
            'violates "x"\nDETAIL: [row]\nCONTEXT: y',
        ),
        ("from 8.8.8.8, 10.0.0.7 and 127.0.0.1:6333", "from [address], 10.0.0.7 and 127.0.0.1:6333"),
        ("from 2606:4700::1111 and ::1", "from [address] and ::1"),
        ("at 12:30:01, version 1.2.3, 3 of 7: why? because", "at 12:30:01, version 1.2.3, 3 of 7: why? because"),
    ],
)
def test_what_is_personal_is_taken_out(text: str, expected: str) -> None:
    assert logs.redact(text) == expected


@given(st.text(alphabet="a.@:?=/0 -+1", max_size=400))
def test_taking_out_ends_and_leaves_no_address_behind(text: str) -> None:
    told = logs.redact(text)
    assert not re.search(r"\w@\w+\.\w", told) or "[e-mail]" in told


@pytest.mark.parametrize(
    "text", ["a" * 50_000 + "@", "a@" * 20_000, "1:" * 20_000, "?a=" * 20_000, "a." * 20_000, "DETAIL: " * 20_000]
)
def test_hostile_texts_take_no_time(text: str) -> None:
    logs.redact(text)  # quadratic would take minutes


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("0af7651916cd43dd8448eb211c80319c", True),
        ("edge-1.example_42", True),
        ("short", False),
        ("a" * 65, False),
        ("with space in it", False),
        ("12345678\nadmin: signed in", False),
        ("{jndi:ldap://x}", False),
        ("", False),
    ],
)
def test_an_id_is_taken_over_if_it_is_well_formed(sent: str, kept: bool) -> None:
    assert (logs.request_id_from(sent) == sent) is kept
    assert logs.REQUEST_ID.fullmatch(logs.request_id_from(sent))


@pytest.mark.django_db
def test_a_request_is_logged_with_its_id_and_without_its_sender(client: Client, lines: list[dict[str, Any]]) -> None:
    answer = client.get(
        "/robots.txt?q=secret+wish", HTTP_X_REQUEST_ID="edge-12345678", REMOTE_ADDR="8.8.8.8",
        HTTP_COOKIE="sessionid=verysecret", HTTP_USER_AGENT="Personal/1",
    )  # fmt: skip
    assert answer["X-Request-ID"] == "edge-12345678"
    line = next(line for line in lines if line["logger"] == "vetrina.request")
    assert (line["request_id"], line["route"], line["method"], line["status"]) == (
        "edge-12345678", "robots.txt", "GET", 200,
    )  # fmt: skip
    assert line["took_ms"] >= 0
    written = json.dumps(lines)
    assert not [each for each in ("secret", "8.8.8.8", "Personal") if each in written]


@pytest.mark.django_db
def test_an_error_is_logged_without_the_request(client: Client, lines: list[dict[str, Any]], monkeypatch: Any) -> None:
    from vetrina import health

    def fail() -> Any:
        raise ValueError("ann@shop.example asked /search?q=secret+wish")

    monkeypatch.setattr(health, "_health", fail)
    client.raise_request_exception = False
    assert client.get("/readyz?q=secret+wish", REMOTE_ADDR="8.8.8.8").status_code == 500
    line = next(line for line in lines if line["level"] == "error")
    assert "ValueError" in line["exception"]
    assert line["request_id"]
    assert not [each for each in ("secret", "8.8.8.8", "ann@") if each in json.dumps(lines)]


def test_a_task_carries_the_id_of_the_request_that_asked_for_it(lines: list[dict[str, Any]]) -> None:
    @shared_task(name="tests.noted")
    def noted() -> None:
        logging.getLogger("tests").warning("At work")

    headers: dict[str, Any] = {}
    with structlog.contextvars.bound_contextvars(request_id="edge-12345678"):
        tasks.carry(headers=headers)
    assert headers == {"request_id": "edge-12345678"}
    task = app.tasks["tests.noted"]
    try:
        task.apply(headers=headers)
    finally:
        app.tasks.unregister("tests.noted")
    told = {line["logger"]: line for line in lines}
    assert told["tests"]["request_id"] == "edge-12345678"
    assert told["tests"]["task"] == "tests.noted"
    assert told["vetrina.task"]["outcome"] == "success"
    assert told["vetrina.task"]["request_id"] == "edge-12345678"
    assert structlog.contextvars.get_contextvars() == {}


def test_without_a_request_nothing_is_sent_along() -> None:
    headers: dict[str, Any] = {}
    tasks.carry(headers=headers)
    assert headers == {}
