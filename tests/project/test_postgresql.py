"""A PostgreSQL that keeps silent is given up: once after a while, then at once, and asked again when it is back."""

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environ
import pytest
from django.db import OperationalError

from tests.recommend.sponsored.shop_server import postgres
from tests.reliability.site import children_of
from vetrina.postgresql import base
from vetrina.postgresql.base import DatabaseWrapper

pytestmark = [pytest.mark.slow, pytest.mark.own_parts]
PATIENCE = 1.0


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres() as address:
        yield address


def wrapper(address: str, patience: float) -> DatabaseWrapper:
    from django.db import connections

    told = environ.Env.db_url_config(address) | {"OPTIONS": {"connect_timeout": 2, "patience": patience}}
    return DatabaseWrapper({**connections["default"].settings_dict, **told}, alias="elsewhere")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> Iterator[None]:
    monkeypatch.setattr(base, "_breakers", {})
    with django_db_blocker.unblock():  # of a database of this test's own, and not of the suite's
        yield


def ask(database: DatabaseWrapper, sql: str) -> tuple[object, float]:
    started = time.monotonic()
    try:
        with database.cursor() as cursor:
            cursor.execute(sql)
            found: object = cursor.fetchone()[0]
    except OperationalError as error:
        found = error
    return found, time.monotonic() - started


def test_a_statement_that_takes_too_long_costs_its_connection(address: str) -> None:
    database = wrapper(address, PATIENCE)
    assert ask(database, "SELECT 1")[0] == 1
    found, seconds = ask(database, "SELECT pg_sleep(20)")
    assert isinstance(found, OperationalError)
    assert seconds < 10
    assert database.connection.closed
    database.close_if_unusable_or_obsolete()
    assert ask(database, "SELECT 2")[0] == 2
    database.close()


def test_without_patience_a_statement_takes_as_long_as_it_likes(address: str) -> None:
    database = wrapper(address, 0)
    assert ask(database, "SELECT count(*) FROM pg_sleep(1.5)")[0] == 1
    database.close()


def test_a_silent_server_is_soon_not_asked_at_all(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "REST_SECONDS", 600.0)
    database = wrapper(address, PATIENCE)
    assert ask(database, "SELECT 1")[0] == 1
    processes = processes_of(address)
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            database.close()
            assert isinstance(ask(database, "SELECT 1")[0], OperationalError)
        database.close()
        found, seconds = ask(database, "SELECT 1")
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)
    assert "lately" in str(found)
    assert seconds < 1
    monkeypatch.setattr(base, "_breakers", {})  # as after its rest
    assert ask(database, "SELECT 3")[0] == 3
    database.close()


def processes_of(address: str) -> list[int]:
    """The server and what it has forked."""
    port = address.rpartition(":")[2].split("/")[0]
    lines = Path(tempfile.gettempdir()).glob("vetrina-postgres-*/data/postmaster.pid")
    for file in lines:
        with contextlib.suppress(OSError, IndexError):  # another process of the suite ends or begins one
            text = file.read_text().split("\n")
            if text[3] == port:
                return [int(text[0]), *children_of(int(text[0]))]
    raise AssertionError(f"There is no server at {port}.")
