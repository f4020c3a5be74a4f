"""Who sees what of the searches: reports and popular queries all, the log itself only administrators."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEWER = {"view_popularquery", "view_experiment"}
MERCHANDISER = VIEWER | {"change_popularquery", "add_experiment", "change_experiment", "delete_experiment"}
ADMINISTRATOR = MERCHANDISER | {"view_loggedsearch"}
GROUPS = {"viewer": VIEWER, "merchandiser": MERCHANDISER, "administrator": ADMINISTRATOR}


def extend_groups(apps, schema_editor):
    # On a fresh database the permissions are made only after the last migration; see catalog's 0003_groups.
    config = apps.get_app_config("search")
    config.models_module = True
    create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    config.models_module = None
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    known = {each.codename: each for each in Permission.objects.filter(content_type__app_label="search")}
    for name, wanted in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(known[codename] for codename in sorted(wanted)))


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0013_duplicate_groups"),
        ("catalog", "0003_groups"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(extend_groups, migrations.RunPython.noop)]
