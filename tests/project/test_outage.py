"""Every address while the database is away or takes no writes: a sentence and Retry-After, and never a 500."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.core.cache import cache
from django.db import DataError, InterfaceError, InternalError, OperationalError, ProgrammingError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from search.index.drain import drain
from tests.project import permission_rules as rules
from tests.project import test_permissions as permissions
from tests.project.permission_rows import Installation, build
from vetrina import health, outage

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
NEEDS_NO_DATABASE = {"healthz", "readyz", "metrics", "robots.txt"}


def of_sqlite(code: int, kind: type[Exception] = OperationalError) -> Exception:
    cause = sqlite3.OperationalError("as SQLite says it")
    cause.sqlite_errorcode = code
    error = kind("as Django says it")
    error.__cause__ = cause
    return error


def of_postgresql(driver: type[psycopg.Error], kind: type[Exception]) -> Exception:
    error = kind("as Django says it")
    error.__cause__ = driver("as PostgreSQL says it")
    return error


ERRORS = [
    (of_sqlite(5), outage.AWAY),  # locked by another
    (of_sqlite(14), outage.AWAY),  # the file cannot be opened
    (of_sqlite(8), outage.CANNOT_WRITE),  # read-only
    (of_sqlite(13), outage.CANNOT_WRITE),  # the disk is full
    (of_sqlite(8 | 3 << 8), outage.CANNOT_WRITE),  # an extended code
    (of_sqlite(1), ""),  # no such table
    (of_postgresql(psycopg.OperationalError, OperationalError), outage.AWAY),  # the connection is lost
    (of_postgresql(psycopg.InterfaceError, InterfaceError), outage.AWAY),
    (of_postgresql(psycopg.errors.TooManyConnections, OperationalError), outage.CANNOT_WRITE),
    (of_postgresql(psycopg.errors.AdminShutdown, OperationalError), outage.AWAY),
    (of_postgresql(psycopg.errors.DeadlockDetected, OperationalError), outage.AWAY),
    (of_postgresql(psycopg.errors.QueryCanceled, OperationalError), outage.AWAY),
    (of_postgresql(psycopg.errors.ReadOnlySqlTransaction, InternalError), outage.CANNOT_WRITE),
    (of_postgresql(psycopg.errors.DiskFull, OperationalError), outage.CANNOT_WRITE),
    (of_postgresql(psycopg.errors.UndefinedTable, ProgrammingError), ""),
    (of_postgresql(psycopg.errors.NumericValueOutOfRange, DataError), ""),
    (OSError(errno.ENOSPC, "No space left on device"), outage.CANNOT_WRITE),
    (FileNotFoundError(errno.ENOENT, "No such file"), ""),
    (ValueError("a bug"), ""),
    (None, ""),
]


@pytest.mark.parametrize(("error", "sentence"), ERRORS)
def test_an_outage_is_told_from_a_fault_of_ours(error: Exception, sentence: str) -> None:
    assert outage.sentence_of(error) == sentence


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/c/food?sort=price", "/api/v1/products/"])
def test_the_answer_says_when_to_come_again_and_needs_no_database(method: str, path: str) -> None:
    try:
        raise of_sqlite(14)
    except OperationalError:
        response = outage.server_error(RequestFactory().generic(method, path))
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "default-src 'self'" in response["Content-Security-Policy"]
    text = response.content.decode()
    assert ("not certain" in text) == (method == "POST")
    if path.startswith("/api/"):
        assert response["Content-Type"] == "application/json"
    else:
        assert "<h1>" in text
        assert ('href="/c/food?sort=price"' in text) == (method == "GET")
        assert "style=" not in text
        assert "<style" not in text


@contextmanager
def failing(error: Exception, only: tuple[str, ...] = ("",)) -> Iterator[None]:
    """Each statement that begins with one of `only` fails as the database's driver would let it."""

    def refuse(execute, sql, parameters, many, context):
        if sql.lstrip().startswith(only):
            raise error
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(refuse):
        yield
    connection.needs_rollback = False  # what surrounds the test is not to be given up


@pytest.fixture
def installation(db, vector_store, quick_encoders, settings, monkeypatch) -> Installation:
    settings.EVENTS_FILTER_BOTS = settings.EVENTS_REQUIRE_CONSENT = False
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda *args, **options: None)
    made = build()
    drain()
    for client in made.clients.values():
        client.raise_request_exception = False
    return made


def addresses(made: Installation) -> list[tuple[str, str, bool]]:
    """Method, address, and whether an answer without the database is one as well."""
    found = []
    for path, allowed in rules.API.items():
        found += [(method, permissions._api_address(path, made), False) for method in allowed]
    for route, methods in rules.PAGES.items():
        address = permissions._page_address(route, made)
        found += [(method, address, route in NEEDS_NO_DATABASE) for method in methods.split()]
    for label in ("catalog.product", "search.rule", "recommend.campaign"):
        at = f"/admin/{label.replace('.', '/')}/"
        found += [("GET", at, False), ("POST", f"{at}add/", False)]
    return found


def ask(client: Client, method: str, address: str) -> HttpResponse:
    cache.clear()
    health.forget()
    if address.startswith("/api/"):
        return client.generic(method, address, data="{}", content_type="application/json")
    return client.generic(method, address)


@pytest.mark.slow
@pytest.mark.parametrize("role", ["anonymous", "superuser"])
def test_without_its_database_no_address_answers_500(installation: Installation, role: str) -> None:
    wrong, told = [], 0
    for method, address, free in addresses(installation):
        with failing(of_sqlite(14)):
            answer = ask(installation.clients[role], method, address)
        if answer.status_code == 503 and not free:
            told += 1
            if not answer.headers.get("Retry-After"):
                wrong.append(f"{method} {address} does not say when to come again")
        elif answer.status_code >= 500 and not free:
            wrong.append(f"{method} {address} answers {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert told > 30


@pytest.mark.slow
@pytest.mark.parametrize("role", ["anonymous", "superuser"])
def test_without_writes_everything_can_be_looked_at(installation: Installation, role: str) -> None:
    wrong = []
    for method, address, _ in addresses(installation):
        before = ask(installation.clients[role], method, address).status_code if method == "GET" else 0
        with failing(of_sqlite(8), only=WRITES):
            status = ask(installation.clients[role], method, address).status_code
        if status >= 500 and not (status == 503 and method != "GET"):
            wrong.append(f"{method} {address} answers {status}, before {before}")
    assert not wrong, "\n".join(wrong)
