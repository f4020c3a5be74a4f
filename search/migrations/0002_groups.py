"""Who may do what with synonyms, rules, judgments, duplicates, experiments and what was searched for."""

from django.db import migrations

from catalog.groups import granting, of

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
ALL = {"viewer": VIEWER, "merchandiser": MERCHANDISER, "administrator": ADMINISTRATOR}
GROUPS = {name: of("search", codenames) for name, codenames in ALL.items()}


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0001_initial"),
        ("catalog", "0002_groups"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(granting(GROUPS), migrations.RunPython.noop)]
