"""Who may do what with trained models: all look, administrators train, publish and go back."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEWER = {"view_modelversion", "view_trainingrun"}
ADMINISTRATOR = VIEWER | {"change_modelversion", "change_trainingrun"}
GROUPS = {"viewer": VIEWER, "merchandiser": VIEWER, "administrator": ADMINISTRATOR}


def extend_groups(apps, schema_editor):
    # On a fresh database the permissions are made only after the last migration; see catalog's 0003_groups.
    config = apps.get_app_config("recommend")
    config.models_module = True
    create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    config.models_module = None
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, codenames in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        known = Permission.objects.filter(content_type__app_label="recommend", codename__in=codenames)
        group.permissions.add(*known)


class Migration(migrations.Migration):
    dependencies = [
        ("recommend", "0020_points"),
        ("catalog", "0003_groups"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(extend_groups, migrations.RunPython.noop)]
