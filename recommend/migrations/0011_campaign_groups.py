"""Who may do what with campaigns. The ledger is looked at, and never changed by hand."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEWER = {f"view_{model}" for model in ("campaign", "campaignday", "charge", "placement")}
MERCHANDISER = VIEWER | {"add_campaign", "change_campaign"}
ADMINISTRATOR = MERCHANDISER | {"delete_campaign"}
GROUPS = {"viewer": VIEWER, "merchandiser": MERCHANDISER, "administrator": ADMINISTRATOR}


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
        ("recommend", "0010_campaign_spending"),
        ("catalog", "0003_groups"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(extend_groups, migrations.RunPython.noop)]
