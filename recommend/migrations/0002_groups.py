"""Who may do what with events, campaigns and models. The ledger and the log are looked at, never changed by hand."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

CAMPAIGNS = {f"view_{model}" for model in ("campaign", "campaignday", "charge", "placement")}
MODELS = {"view_modelversion", "view_trainingrun"}
VIEWER = CAMPAIGNS | MODELS
MERCHANDISER = VIEWER | {"add_campaign", "change_campaign"}
# What single shoppers did is for administrators alone.
ADMINISTRATOR = (
    MERCHANDISER
    | {"delete_campaign", "change_modelversion", "change_trainingrun"}
    | {"view_event", "view_shopper", "change_shopper", "delete_shopper"}
)
GROUPS = {"viewer": VIEWER, "merchandiser": MERCHANDISER, "administrator": ADMINISTRATOR}


def extend_groups(apps, schema_editor):
    # On a fresh database the permissions are made only after the last migration; see catalog's 0002_groups.
    config = apps.get_app_config("recommend")
    before, config.models_module = getattr(config, "models_module", None), True
    create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    config.models_module = before
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    known = {each.codename: each for each in Permission.objects.filter(content_type__app_label="recommend")}
    for name, wanted in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(known[codename] for codename in sorted(wanted)))


class Migration(migrations.Migration):
    dependencies = [
        ("recommend", "0001_initial"),
        ("catalog", "0002_groups"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(extend_groups, migrations.RunPython.noop)]
