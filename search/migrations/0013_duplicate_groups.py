"""Who may decide about possible duplicates."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEWER = {"view_duplicatepair"}
MERCHANDISER = VIEWER | {"change_duplicatepair"}
GROUPS = {"viewer": VIEWER, "merchandiser": MERCHANDISER, "administrator": MERCHANDISER}


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
        ("search", "0012_duplicates"),
        ("catalog", "0003_groups"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(extend_groups, migrations.RunPython.noop)]
