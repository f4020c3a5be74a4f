"""The event log by months, where the database is PostgreSQL: a month is made before it begins and dropped whole.

What fits no month is in the default partition, so that an event is never lost for want of one; making its month later
takes it out of there. On other databases the log is one plain table, and everything here does nothing.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone

TABLE = "recommend_event"
REST = f"{TABLE}_rest"
AHEAD = 3  # months made before they begin
_MONTH = re.compile(rf"{TABLE}_(\d{{4}})_(\d{{2}})")


class Month(NamedTuple):
    """A month of UTC; they sort as they follow each other."""

    year: int
    month: int

    @classmethod
    def of(cls, at: datetime) -> "Month":
        at = at.astimezone(UTC)
        return cls(at.year, at.month)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def next(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def table(self) -> str:
        return f"{TABLE}_{self.year:04}_{self.month:02}"


def is_partitioned() -> bool:
    return connection.vendor == "postgresql"


def months() -> list[Month]:
    """Return the months that have a partition, oldest first."""
    if not is_partitioned():
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [TABLE])
        found = [_MONTH.fullmatch(name) for (name,) in cursor.fetchall()]
    return sorted(Month(int(each[1]), int(each[2])) for each in found if each)


def make(wanted: Iterable[Month]) -> list[Month]:
    """Make the partitions that are lacking; return them. What the default partition holds of them moves there."""
    if not is_partitioned():
        return []
    lacking = sorted(set(wanted) - set(months()))
    return [month for month in lacking if _make(month)]


def make_ahead(now: datetime | None = None) -> list[Month]:
    """Make this month, the next ones, and those of events that are in the default partition."""
    if not is_partitioned():
        return []
    wanted = [Month.of(now or timezone.now())]
    for _ in range(AHEAD):
        wanted.append(wanted[-1].next)
    with connection.cursor() as cursor:
        # A name of our own.
        cursor.execute(f"SELECT DISTINCT date_trunc('month', happened_at AT TIME ZONE 'UTC') FROM {REST}")  # noqa: S608
        wanted += [Month(start.year, start.month) for (start,) in cursor.fetchall()]
    return make(wanted)


def drop_before(at: datetime) -> list[Month]:
    """Drop the months that ended before `at`, with all that happened in them; return them."""
    old = [month for month in months() if month.next.start <= at]
    with connection.cursor() as cursor:
        for month in old:
            cursor.execute(f"DROP TABLE IF EXISTS {month.table}")
    return old


def _make(month: Month) -> bool:
    """Attached and not created in place: that would lock every reader out of the whole log."""
    bounds = [month.start, month.next.start]
    within = "happened_at >= %s AND happened_at < %s"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [TABLE])  # one maker at a time
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [month.table])
        if cursor.fetchone()[0]:
            return False
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else a caller's own writes would forbid the ALTER below
        cursor.execute(f"LOCK TABLE {REST} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"CREATE TABLE {month.table} (LIKE {TABLE} INCLUDING CONSTRAINTS)")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {REST} WHERE {within} RETURNING *) "  # noqa: S608  (names and times of our own)
            f"INSERT INTO {month.table} SELECT * FROM moved",
            bounds,
        )
        cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {month.table} FOR VALUES FROM (%s) TO (%s)", bounds)
    return True


class CreateEventTable(migrations.CreateModel):
    """Creates the table partitioned on PostgreSQL, and as any other elsewhere.

    A key of a partitioned table has to hold the column that it is partitioned by, so the primary key there is
    (id, happened_at). To Django it stays `id`, which is unique all the same, as all ids come from one sequence.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        statement, params = schema_editor.table_sql(model)
        columns, primary_keys = re.subn(r" PRIMARY KEY(?= GENERATED)", "", str(statement))
        if primary_keys != 1 or not columns.endswith(")"):
            raise RuntimeError(f"This version of Django creates tables in another way: {statement}")
        schema_editor.execute(
            f"{columns[:-1]}, PRIMARY KEY (id, happened_at)) PARTITION BY RANGE (happened_at)", params or None
        )
        schema_editor.execute(f"CREATE TABLE {REST} PARTITION OF {TABLE} DEFAULT")
        schema_editor.deferred_sql.extend(schema_editor._model_indexes_sql(model))  # type: ignore[attr-defined]
