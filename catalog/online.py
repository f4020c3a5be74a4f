"""What a migration does to a large table while the shop goes on; see CONTRIBUTING.md, "Migrations"."""

from typing import Any

from django.db.migrations.operations import AddIndex
from django.db.migrations.state import ProjectState


class AddIndexOnline(AddIndex):
    """Adds an index without holding up writes: CONCURRENTLY on PostgreSQL, as ever elsewhere.

    The migration must say `atomic = False`. One that is cut off leaves an invalid index, which is dropped before the
    next try. A partitioned table takes no concurrent index: add it to each partition by hand first.
    """

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            name = schema_editor.quote_name(self.index.name)
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            schema_editor.add_index(model, self.index, concurrently=True)

    def describe(self) -> str:
        return f"{super().describe()}, without holding up writes"
