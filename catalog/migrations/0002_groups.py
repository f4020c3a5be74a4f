"""The groups of people who work in the admin: viewer, merchandiser, administrator."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SHOWN = [
    "brand", "category", "collection", "collectionitem", "historicalproduct", "outboxentry", "picture", "product",
    "productcode", "promotion", "store", "tag", "variant",
]
KEPT = [
    "brand", "category", "collection", "collectionitem", "picture", "product", "productcode", "promotion", "store",
    "tag", "variant",
]
# Products are archived, and what holds products stays: only an administrator deletes those.
DELETABLE = ["collection", "collectionitem", "picture", "productcode", "promotion", "tag", "variant"]

VIEWER = {("catalog", f"view_{model}") for model in SHOWN}
MERCHANDISER = (
    VIEWER
    | {("catalog", f"{verb}_{model}") for verb in ("add", "change") for model in KEPT}
    | {("catalog", f"delete_{model}") for model in DELETABLE}
    | {("catalog", "change_outboxentry")}
)
ADMINISTRATOR = (
    MERCHANDISER
    | {("catalog", f"delete_{model}") for model in KEPT}
    | {("auth", f"{verb}_{model}") for verb in ("view", "add", "change", "delete") for model in ("user", "group")}
    | {("catalog", f"{verb}_apikey") for verb in ("view", "add", "change", "delete")}
    | {("catalog", "view_auditentry")}
)
GROUPS = {"viewer": VIEWER, "merchandiser": MERCHANDISER, "administrator": ADMINISTRATOR}


def create_groups(apps, schema_editor):
    # On a fresh database the permissions are made only after the last migration. They are made here, from the
    # models as this migration knows them; the later round finds them and leaves them.
    for label in ("catalog", "auth"):
        config = apps.get_app_config(label)
        before, config.models_module = getattr(config, "models_module", None), True
        create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
        config.models_module = before
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    known = {(p.content_type.app_label, p.codename): p for p in Permission.objects.select_related("content_type")}
    for name, wanted in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(known[key] for key in sorted(wanted)))


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    # Going back leaves the groups: people may be in them.
    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop)]
