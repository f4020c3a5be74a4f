"""Who may look at what shoppers did: administrators, and nobody else without being given it."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

ADMINISTRATOR = {"view_event", "view_shopper", "change_shopper", "delete_shopper"}


def extend_group(apps, schema_editor):
    # On a fresh database the permissions are made only after the last migration; see catalog's 0003_groups.
    config = apps.get_app_config("recommend")
    config.models_module = True
    create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    config.models_module = None
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    group, _ = Group.objects.get_or_create(name="administrator")
    group.permissions.add(
        *Permission.objects.filter(content_type__app_label="recommend", codename__in=ADMINISTRATOR)
    )


class Migration(migrations.Migration):
    dependencies = [
        ("recommend", "0001_initial"),
        ("catalog", "0003_groups"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(extend_group, migrations.RunPython.noop)]
