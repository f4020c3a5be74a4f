"""The groups of people who work in the admin, as migrations make and extend them."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.management import create_permissions

Permissions = set[tuple[str, str]]  # label of the application, codename


def granting(groups: Mapping[str, Permissions]) -> Callable[[Any, Any], None]:
    """What a migration runs to give groups permissions. Groups that are not there are made."""

    def grant(apps: Any, schema_editor: Any) -> None:
        # On a fresh database permissions are made only after the last migration. They are made here, from the models
        # as this migration knows them; the later round finds them and leaves them.
        for label in sorted({label for permissions in groups.values() for label, _ in permissions}):
            config = apps.get_app_config(label)
            before, config.models_module = getattr(config, "models_module", None), True
            create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
            config.models_module = before
        group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
        rows = permission_model.objects.select_related("content_type")
        known = {(row.content_type.app_label, row.codename): row for row in rows}
        for name, wanted in groups.items():
            group, _ = group_model.objects.get_or_create(name=name)
            group.permissions.add(*(known[key] for key in sorted(wanted)))

    return grant


def of(label: str, codenames: set[str]) -> Permissions:
    return {(label, codename) for codename in codenames}
