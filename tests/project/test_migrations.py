"""Migrations are safe while the version before still runs; each rule is shown by one that breaks it."""

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState

from catalog.online import AddIndexOnline
from tests.project.migration_rules import LARGE, problems

OWN = ("catalog", "search", "recommend", "workers")


def test_every_migration_leaves_the_version_before_at_work() -> None:
    loader = MigrationLoader(None)
    found = {}
    for key in loader.disk_migrations:
        migration = loader.get_migration(*key)
        if key[0] in OWN and not migration.initial:
            before = loader.project_state(key, at_end=False)
            if wrong := problems(migration, before):
                found[".".join(key)] = wrong
    assert found == {}


def test_large_tables_are_tables() -> None:
    assert {each._meta.label_lower for each in apps.get_models()} >= LARGE


def change(*operations: migrations.operations.base.Operation, **more: object) -> list[str]:
    """What is wrong with a migration of these operations, after one that made `Event` with a name and a count."""
    before = ProjectState()
    fields = [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", models.CharField(max_length=40, null=True)),
        ("count", models.IntegerField(default=0)),
    ]
    before.add_model(ModelState("recommend", "Event", fields))
    made = type("Migration", (migrations.Migration,), {"operations": list(operations), **more})
    return problems(made("0099_change", "recommend"), before)


INDEX = models.Index(fields=["count"], name="by_count")
UNSAFE = {
    "a column goes": migrations.RemoveField("event", "name"),
    "a table goes": migrations.DeleteModel("Event"),
    "a column is renamed": migrations.RenameField("event", "name", "title"),
    "a table is renamed": migrations.RenameModel("Event", "Happening"),
    "a table gets another name": migrations.AlterModelTable("event", "other"),
    "a column that must be filled": migrations.AddField("event", "new", models.CharField(max_length=9, default="")),
    "a column is not null any more": migrations.AlterField("event", "name", models.CharField(max_length=40)),
    "a column is shorter": migrations.AlterField("event", "name", models.CharField(max_length=9, null=True)),
    "a column is unique": migrations.AlterField("event", "count", models.IntegerField(default=0, unique=True)),
    "a column is of another type": migrations.AlterField("event", "count", models.TextField(default="")),
    "a rule for rows": migrations.AddConstraint("event", models.UniqueConstraint(fields=["count"], name="once")),
    "an index that holds up writes": migrations.AddIndex("event", INDEX),
    "an index online in a transaction": AddIndexOnline("event", INDEX),
    "data without a way back": migrations.RunPython(lambda apps, editor: None),
    "within another operation": migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RemoveField("event", "name")]
    ),
}
SAFE = {
    "a new table": migrations.CreateModel("Wish", [("id", models.BigAutoField(primary_key=True))]),
    "a column that may be null": migrations.AddField("event", "new", models.TextField(null=True)),
    "a column that the database fills": migrations.AddField("event", "new", models.IntegerField(db_default=0)),
    "a column is longer": migrations.AlterField("event", "name", models.CharField(max_length=90, null=True)),
    "a column may be null": migrations.AlterField("event", "count", models.IntegerField(null=True)),
    "data with a way back": migrations.RunPython(lambda apps, editor: None, migrations.RunPython.noop),
}


@pytest.mark.parametrize("what", UNSAFE)
def test_what_the_version_before_would_stumble_over_is_found(what: str) -> None:
    assert change(UNSAFE[what])


@pytest.mark.parametrize("what", SAFE)
def test_what_it_does_not_mind_is_let_be(what: str) -> None:
    assert change(SAFE[what]) == []


def test_a_new_table_may_have_any_rule() -> None:
    table = migrations.CreateModel(
        "Placement", [("id", models.BigAutoField(primary_key=True)), ("n", models.IntegerField(default=0))]
    )
    rule = models.CheckConstraint(condition=models.Q(n__gt=0), name="positive")
    index = models.Index(fields=["n"], name="by_n")
    assert change(table, migrations.AddConstraint("placement", rule), migrations.AddIndex("placement", index)) == []


def test_what_nobody_reads_any_more_may_go() -> None:
    goes = migrations.RemoveField("event", "name")
    assert change(goes, contracts="nothing reads it since 0.3") == []
    assert change(migrations.AddField("event", "new", models.IntegerField(default=0)), contracts="since 0.3"), (
        "which says nothing of a column that must be filled"
    )


def test_an_index_online_is_let_be_outside_of_a_transaction() -> None:
    assert change(AddIndexOnline("event", INDEX), atomic=False) == []


def test_tables_and_data_are_changed_one_after_the_other() -> None:
    data = migrations.RunPython(lambda apps, editor: None, migrations.RunPython.noop)
    assert change(migrations.AddField("event", "new", models.TextField(null=True)), data)


@pytest.mark.django_db(transaction=True)
def test_an_index_online_is_made_and_taken_back() -> None:
    from catalog.models import Tag

    operation = AddIndexOnline("tag", models.Index(fields=["slug", "name"], name="online_test"))
    loader = MigrationLoader(connection)
    before = loader.project_state()
    after = before.clone()
    operation.state_forwards("catalog", after)

    def there() -> bool:
        with connection.cursor() as cursor:
            return "online_test" in connection.introspection.get_constraints(cursor, Tag._meta.db_table)

    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("catalog", editor, before, after)
    assert there()
    with connection.schema_editor(atomic=False) as editor:
        operation.database_backwards("catalog", editor, after, before)
    assert not there()
