"""The groups of people who work in the admin: viewer, merchandiser, administrator."""

from django.db import migrations

from catalog.groups import granting

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


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    # Going back leaves the groups: people may be in them.
    operations = [migrations.RunPython(granting(GROUPS), migrations.RunPython.noop)]
