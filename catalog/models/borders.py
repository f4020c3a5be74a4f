"""Triggers that keep foreign keys inside of a shop and rows where they are, whoever writes: the models or SQL.

They are made after each migration from the models as they are, so that a new table is guarded from its first row. On
SQLite they are taken down before it: a table is rebuilt there by renaming, which is refused while a trigger names it.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from catalog.models.rows import ShopScoped

PREFIX = "shop_border_"
MESSAGE = "a row of one shop can neither point to a row of another nor move there"


class Border(NamedTuple):
    """What is asked of each new row of one table, in SQL."""

    table: str
    columns: list[str]  # what an UPDATE must touch to be asked
    crosses: str  # true where a foreign key leads to another shop
    moves: str  # true where an UPDATE takes the row to another shop; empty for links, which have no shop of their own
    tables: set[str]  # all that must exist


def borders() -> Iterator[Border]:
    """One for each table of a shop's rows, and of links between them. History is excepted: it points to the past."""
    for model in apps.get_models(include_auto_created=True):
        if hasattr(model, "history_object"):
            continue
        keys = {
            field.column: field.related_model
            for field in model._meta.concrete_fields
            if isinstance(field, models.ForeignKey)
            and isinstance(field.related_model, type)
            and issubclass(field.related_model, ShopScoped)
        }
        tables = {column: target._meta.db_table for column, target in keys.items()}
        table = model._meta.db_table
        if issubclass(model, ShopScoped):
            yield Border(
                table,
                [*keys, "shop_id"],
                " OR ".join(
                    f'EXISTS (SELECT 1 FROM "{target}" WHERE id = NEW."{column}" AND shop_id <> NEW.shop_id)'  # noqa: S608  (names of our tables)
                    for column, target in tables.items()
                ),
                "OLD.shop_id <> NEW.shop_id",
                {table, *tables.values()},
            )
        elif len(tables) == 2:
            (first, one), (second, other) = tables.items()
            yield Border(
                table,
                [first, second],
                f'EXISTS (SELECT 1 FROM "{one}" a, "{other}" b '  # noqa: S608  (names of our own)
                f'WHERE a.id = NEW."{first}" AND b.id = NEW."{second}" AND a.shop_id <> b.shop_id)',
                "",
                {table, one, other},
            )


def take_down(*, using: str, plan: Any = (), **_: Any) -> None:
    """Before a migration, where the engine needs it."""
    connection = connections[using]
    if not plan or connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s", [f"{PREFIX}%"])
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}"')


def put_up(*, using: str, plan: Any = None, **_: Any) -> None:
    """After a migration. A flush says the same, but without a plan, and leaves the triggers as they are."""
    if plan is None:
        return
    connection = connections[using]
    present = set(connection.introspection.table_names())
    make = {"sqlite": _in_sqlite, "postgresql": _in_postgresql}[connection.vendor]
    with transaction.atomic(using=using):
        for border in borders():
            if border.tables <= present:
                make(connection, border)


def _in_sqlite(connection: BaseDatabaseWrapper, border: Border) -> None:
    conditions = {"INSERT": border.crosses, f"UPDATE OF {', '.join(border.columns)}": _either(border)}
    with connection.cursor() as cursor:
        for event, condition in conditions.items():
            if condition:
                cursor.execute(
                    f'CREATE TRIGGER IF NOT EXISTS "{PREFIX}{event[:6].lower()}_{border.table}" '
                    f'BEFORE {event} ON "{border.table}" FOR EACH ROW WHEN {condition} '
                    f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
                )


def _in_postgresql(connection: BaseDatabaseWrapper, border: Border) -> None:
    function = f'"{PREFIX}{border.table}"'
    columns = ", ".join(border.columns)
    # With the columns in the name, so that a table that gets another foreign key gets another trigger.
    name = f"{PREFIX}{hashlib.sha256(columns.encode()).hexdigest()[:8]}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $border$ BEGIN "
            f"IF {_either(border)} THEN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = '23000'; END IF; "
            "RETURN NEW; END $border$"
        )
        cursor.execute(
            "SELECT 1 FROM pg_trigger WHERE tgname = %s AND tgrelid = %s::regclass", [name, f'"{border.table}"']
        )
        if cursor.fetchone() is None:  # making it anew would lock the table against every write
            cursor.execute(
                f'CREATE TRIGGER {name} BEFORE INSERT OR UPDATE OF {columns} ON "{border.table}" '
                f"FOR EACH ROW EXECUTE FUNCTION {function}()"
            )


def _either(border: Border) -> str:
    # In an INSERT there is no OLD: what is compared with it is unknown, and so not true.
    return " OR ".join(filter(None, [border.moves, border.crosses]))
