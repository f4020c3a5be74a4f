"""Who may do what with synonyms, rules, judgments, duplicates, experiments and what was searched for."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

STEERING = ("synonym", "rule", "ruleaction")
JUDGING = ("judgmentset", "judgedquery", "judgment", "searchconfiguration", "comparisonrun")
KEPT = (*STEERING, *JUDGING, "experiment")
SHOWN = (
    *KEPT, "synonymsuggestion", "historicalsynonym", "historicalrule", "duplicatepair", "popularquery",
    "rankingversion",
)

VIEWER = {f"view_{model}" for model in SHOWN}
MERCHANDISER = (
    VIEWER
    | {f"{verb}_{model}" for verb in ("add", "change", "delete") for model in KEPT}
    | {f"change_{model}" for model in ("synonymsuggestion", "duplicatepair", "popularquery")}
)
# The log of single searches is for administrators alone.
ADMINISTRATOR = MERCHANDISER | {"view_loggedsearch", "change_rankingversion"}
GROUPS = {"viewer": VIEWER, "merchandiser": MERCHANDISER, "administrator": ADMINISTRATOR}


def extend_groups(apps, schema_editor):
    # On a fresh database the permissions are made only after the last migration; see catalog's 0002_groups.
    config = apps.get_app_config("search")
    before, config.models_module = getattr(config, "models_module", None), True
    create_permissions(config, verbosity=0, apps=apps, using=schema_editor.connection.alias)
    config.models_module = before
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    known = {each.codename: each for each in Permission.objects.filter(content_type__app_label="search")}
    for name, wanted in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(known[codename] for codename in sorted(wanted)))


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0001_initial"),
        ("catalog", "0002_groups"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(extend_groups, migrations.RunPython.noop)]
