"""The log by months: on PostgreSQL, where it is, and elsewhere, where it is not."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from django.db import connection

from recommend.events import partitions
from recommend.events.partitions import Month
from tests.recommend.sponsored.shop_server import ROOT, postgres

HERE = Path(__file__).parent


CASES = (
    "postgres_cases", "test_log", "test_history", "test_shoppers", "test_cleaning", "test_retention",
    "../analytics/test_report", "../analytics/test_experiments", "../../search/log/test_popular",
)  # fmt: skip


@pytest.mark.slow
def test_the_same_holds_on_postgresql(tmp_path: Path) -> None:
    """Run in a process of its own, as Django knows its database from the start."""
    with postgres() as database:
        environment = {**os.environ, "DATABASE_URL": database, "VETRINA_HOME": str(tmp_path)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        files = [str(HERE / f"{name}.py") for name in CASES]
        done = subprocess.run([*command, *files], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_months_follow_each_other() -> None:
    assert Month(2026, 11).next == Month(2026, 12)
    assert Month(2026, 12).next == Month(2027, 1)
    assert Month(2026, 12) < Month(2027, 1)
    assert Month(2026, 3).start == datetime(2026, 3, 1, tzinfo=UTC)


def test_the_month_of_a_moment_is_that_of_utc() -> None:
    at = datetime(2026, 4, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert Month.of(at) == Month(2026, 3)


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor == "postgresql", reason="here the log has partitions")
def test_elsewhere_there_is_one_plain_table() -> None:
    assert partitions.make_ahead() == partitions.make([Month(2026, 1)]) == partitions.months() == []
    assert partitions.drop_before(datetime.now(UTC)) == []
