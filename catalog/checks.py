"""What must hold of the database before anything is migrated or served."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from catalog.models.product import Product


@register(Tags.database)
def rows_have_shops(app_configs: Any, databases: Sequence[str] | None = None, **options: Any) -> list[CheckMessage]:
    """A database from before rows belonged to shops cannot be migrated: it is told so, instead of failing halfway."""
    for alias in databases or ():
        connection, table = connections[alias], Product._meta.db_table
        if table not in connection.introspection.table_names():
            continue
        with connection.cursor() as cursor:
            columns = {each.name for each in connection.introspection.get_table_description(cursor, table)}
        if "shop_id" not in columns:
            text = "The database was made by a version in which rows belonged to no shop, and cannot be migrated."
            hint = "Begin with an empty one: `make clean` removes the demo's; export products as CSV before."
            return [Error(text, hint=hint, id="catalog.E001")]
    return []
