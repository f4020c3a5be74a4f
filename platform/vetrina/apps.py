import sqlite3
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created

MOST_PARAMETERS = 32_766  # SQLite's own default since 3.32


def _allow_many_parameters(sender: Any, connection: Any, **kwargs: Any) -> None:
    """Let one statement write what SQLite takes at once; Django 5.2 still assumes the 999 parameters of old builds."""
    if connection.vendor == "sqlite":
        limit = connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        connection.features.max_query_params = min(limit, MOST_PARAMETERS)


class VetrinaConfig(AppConfig):
    name = "vetrina"

    def ready(self) -> None:
        from vetrina import checks  # noqa: F401  (registers the system checks)
        from vetrina.monitoring import tasks, tracing  # noqa: F401  (the first listens to tasks)

        tracing.start_if_asked()
        connection_created.connect(_allow_many_parameters, dispatch_uid="vetrina.allow_many_parameters")
