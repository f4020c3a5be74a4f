"""Administrators make keys, and look at the audit log."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

ADMINISTRATOR = {f"{verb}_apikey" for verb in ("view", "add", "change", "delete")} | {"view_auditentry"}


def extend_groups(apps, schema_editor):
    # On a fresh database the permissions are made only after the last migration; see 0003_groups.
    config = apps.get_app_config("catalog")
    config.models_module = True
    create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    config.models_module = None
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    administrator, _ = Group.objects.get_or_create(name="administrator")
    administrator.permissions.add(*Permission.objects.filter(content_type__app_label="catalog", codename__in=ADMINISTRATOR))
    # The library's own table of keys is used no more.
    administrator.permissions.remove(*Permission.objects.filter(content_type__app_label="rest_framework_api_key"))


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_keys_and_audit_log")]
    operations = [migrations.RunPython(extend_groups, migrations.RunPython.noop)]
