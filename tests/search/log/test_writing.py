"""Rows wait in memory, are written together, and are not lost when a process ends."""

import os
import subprocess
import sys
import threading
import uuid
from functools import partial
from pathlib import Path

import pytest
from django.db import InternalError, OperationalError

from search.log import writing
from search.models import LoggedSearch

ROOT = Path(__file__).resolve().parents[3]


def row(**more) -> LoggedSearch:
    return LoggedSearch(id=uuid.uuid4(), mode="hybrid", surface="api", total=1, took_ms=1, **more)


@pytest.fixture
def waiting(monkeypatch, settings) -> writing._Waiting:
    """A queue whose thread is never started, so that what happens when is up to the test."""
    settings.SEARCH_LOG_SECONDS = 60
    fresh = writing._Waiting()
    fresh.thread = threading.current_thread()
    monkeypatch.setattr(writing, "_waiting", fresh)
    return fresh


@pytest.mark.django_db
def test_rows_wait_and_are_written_together(waiting, django_assert_num_queries):
    for _ in range(50):
        writing.write(row())
    assert not LoggedSearch.objects.exists()
    with django_assert_num_queries(3):  # one statement, and the savepoint around it
        assert writing.flush() == 50
    assert LoggedSearch.objects.count() == 50


@pytest.mark.django_db
def test_many_rows_wake_the_writer(waiting):
    for _ in range(writing.BATCH):
        assert not waiting.wake.is_set()
        writing.write(row())
    assert waiting.wake.is_set()


@pytest.mark.django_db
def test_one_row_that_is_refused_takes_no_other_along(waiting):
    writing.write(row())
    writing.write(row(features=object()))
    writing.write(row())
    assert writing.flush() == 2
    assert LoggedSearch.objects.count() == 2
    assert not waiting.rows


@pytest.mark.django_db
@pytest.mark.parametrize(
    "error", [OperationalError("the server closed the connection"), InternalError("a read-only transaction")]
)
def test_what_a_database_that_is_away_does_not_take_waits_on(waiting, monkeypatch, error):
    first, second = row(), row()
    writing.write(first)
    writing.write(second)

    def away(*_args, **_more):
        raise error

    monkeypatch.setattr(LoggedSearch.objects, "bulk_create", away)
    assert writing.flush() == 0
    monkeypatch.undo()
    monkeypatch.setattr(writing, "_waiting", waiting)
    assert [each.pk for each in waiting.rows] == [first.pk, second.pk]
    assert writing.flush() == 2


def test_memory_is_not_filled_by_a_database_that_stays_away(waiting, monkeypatch):
    monkeypatch.setattr(writing, "MOST_WAITING", 3)
    for _ in range(5):
        writing.write(row())
    assert (len(waiting.rows), waiting.lost) == (3, 2)


@pytest.mark.slow
@pytest.mark.own_parts
def test_a_process_that_ends_has_written_what_waited(tmp_path):
    script = """
import django; django.setup()
import uuid
from django.core.management import call_command
call_command("migrate", verbosity=0)
from search.log import writing
from search.models import LoggedSearch
for _ in range(3):
    writing.write(LoggedSearch(id=uuid.uuid4(), mode="hybrid", surface="api", total=1, took_ms=1))
print(LoggedSearch.objects.count())
"""
    home = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "vetrina.settings", "VETRINA_HOME": str(tmp_path),
        "SEARCH_LOG_SECONDS": "60", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
    }  # fmt: skip
    home.pop("DATABASE_URL", None)
    run = partial(subprocess.run, env=home, cwd=ROOT, capture_output=True, text=True, timeout=300)
    told = run([sys.executable, "-c", script])
    assert told.returncode == 0, told.stderr
    assert told.stdout.split() == ["0"], "nothing was written while the process had other things to do"
    count = "import django; django.setup()\nfrom search.models import LoggedSearch; print(LoggedSearch.objects.count())"
    after = run([sys.executable, "-c", count])
    assert after.stdout.split() == ["3"], after.stderr
