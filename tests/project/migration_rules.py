"""What a migration may do while the version before still runs: expand, migrate, contract (CONTRIBUTING.md)."""

from collections.abc import Iterator

from django.db import migrations, models
from django.db.migrations.state import ProjectState

from catalog.online import AddIndexOnline

# Tables on which an index takes minutes, during which nothing else could be written.
LARGE = {
    "catalog.product", "catalog.picture", "recommend.event", "recommend.placement", "search.embedding",
    "search.loggedsearch",
}  # fmt: skip
TAKES_AWAY = (
    migrations.RemoveField,
    migrations.DeleteModel,
    migrations.RenameField,
    migrations.RenameModel,
    migrations.AlterModelTable,
)
DATA = (migrations.RunPython, migrations.RunSQL)


def problems(migration: migrations.Migration, before: ProjectState) -> list[str]:
    """What the version before would stumble over, or wait for; empty for what is safe.

    `migration.contracts` is a sentence that says since which release nothing reads what is taken away, and why what is
    tightened holds already; with it those rules are met.
    """
    state, found, made = before.clone(), [], set()
    label = migration.app_label
    contracts = bool(getattr(migration, "contracts", ""))
    operations = list(_flat(migration.operations))
    kinds = {isinstance(each, DATA) for each in operations}
    if len(kinds) == 2:
        found.append("changes tables and data at once: two migrations, or a failure leaves half of it")
    for each in operations:
        table = f"{label}.{getattr(each, 'model_name', getattr(each, 'name', '')).lower()}"
        if isinstance(each, migrations.CreateModel):
            made.add(table)
        elif isinstance(each, TAKES_AWAY) and not contracts:
            found.append(f"{each.describe()}: the version before still uses it. Say in `contracts` since when not")
        elif isinstance(each, migrations.AddField) and table not in made:
            found += _added(each)
        elif isinstance(each, migrations.AlterField) and table not in made and not contracts:
            found += _altered(each, state, label)
        elif isinstance(each, migrations.AddConstraint) and table not in made and not contracts:
            found.append(f"{each.describe()}: the version before may write what it refuses")
        elif isinstance(each, migrations.AddIndex) and table in LARGE - made:
            if not isinstance(each, AddIndexOnline):
                found.append(f"{each.describe()}: {table} is large, use catalog.online.AddIndexOnline")
            elif migration.atomic:
                found.append(f"{each.describe()}: needs `atomic = False`")
        elif isinstance(each, DATA) and not each.reversible:
            found.append(f"{each.describe()}: says nothing of the way back")
        each.state_forwards(label, state)
    return found


def _flat(operations: list[migrations.operations.base.Operation]) -> Iterator[migrations.operations.base.Operation]:
    for each in operations:
        if isinstance(each, migrations.SeparateDatabaseAndState):
            yield from _flat(each.database_operations)
        else:
            yield each


def _added(each: migrations.AddField) -> list[str]:
    field = each.field
    if field.many_to_many or field.null or field.db_default is not models.NOT_PROVIDED:
        return []
    return [f"{each.describe()}: is never null and has no db_default, so the version before cannot add a row"]


def _altered(each: migrations.AlterField, state: ProjectState, label: str) -> list[str]:
    old, new = state.models[label, each.model_name.lower()].get_field(each.name), each.field
    found = []
    if old.null and not new.null:
        found.append("is not null any more")
    if new.unique and not old.unique:
        found.append("is unique now")
    if old.get_internal_type() != new.get_internal_type():
        found.append(f"was a {old.get_internal_type()} and is a {new.get_internal_type()}")
    if old.max_length and new.max_length and new.max_length < old.max_length:
        found.append("is shorter now")
    return [f"{each.describe()}: {what}, which the version before does not know" for what in found]
