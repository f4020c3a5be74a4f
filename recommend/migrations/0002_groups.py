"""Who may do what with events, campaigns and models. The ledger and the log are looked at, never changed by hand."""

from django.db import migrations

from catalog.groups import granting, of

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
ALL = {"viewer": VIEWER, "merchandiser": MERCHANDISER, "administrator": ADMINISTRATOR}
GROUPS = {name: of("recommend", codenames) for name, codenames in ALL.items()}


class Migration(migrations.Migration):
    dependencies = [
        ("recommend", "0001_initial"),
        ("catalog", "0002_groups"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(granting(GROUPS), migrations.RunPython.noop)]
