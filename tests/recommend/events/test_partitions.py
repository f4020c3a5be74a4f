"""Months, and the log where it is not divided into them; see test_partitions_on_postgresql.py."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection

from recommend.events import partitions
from recommend.events.partitions import Month


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
