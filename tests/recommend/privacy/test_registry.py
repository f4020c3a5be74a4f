"""Every column that may hold something of a shopper is registered, and the description names every model of them."""

import re

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.db import models

from recommend.events.models import Shopper
from recommend.privacy.registry import BESIDE, FIELDS, NOT_OF_SHOPPERS
from tests.conftest import ROOT

# Names that a column with something of a person has. Relations to one count whatever their name is.
SOUNDS = re.compile(
    r"(^|_)(visitor|visitors|session|shopper|customer|user|username|e?mail|first_name|last_name|phone|street|city|"
    r"address|ip|birth|query|queries|basket|judge|author|device|key|digest|password)($|_)|_by$|^session_"
)


def suspicious(of: list[type[models.Model]]) -> set[str]:
    found = set()
    for model in of:
        for field in model._meta.concrete_fields:
            relates = field.related_model in (Shopper, User)
            if relates or SOUNDS.search(field.name):
                found.add(f"{model._meta.label}.{field.name}")
    return found


def test_every_column_that_may_lead_to_a_person_is_registered() -> None:
    unknown = suspicious(list(apps.get_models())) - FIELDS.keys() - NOT_OF_SHOPPERS.keys()
    assert not unknown, f"say in recommend/privacy/registry.py what export and erase do with {sorted(unknown)}"


def test_the_walk_finds_a_column_that_nobody_registered() -> None:
    class Wish(models.Model):  # noqa: DJ008  (it is made for its columns)
        whose = models.ForeignKey(Shopper, on_delete=models.CASCADE, related_name="+")
        visitor_id = models.UUIDField()
        words = models.TextField()

        class Meta:
            app_label = "recommend"
            managed = False

    try:
        assert suspicious([Wish]) == {"recommend.Wish.whose", "recommend.Wish.visitor_id"}
    finally:
        del apps.all_models["recommend"]["wish"]
        apps.clear_cache()


def test_nothing_is_registered_that_there_is_not() -> None:
    for label in [*FIELDS, *NOT_OF_SHOPPERS]:
        model, _, name = label.rpartition(".")
        apps.get_model(model)._meta.get_field(name)
    assert not FIELDS.keys() & NOT_OF_SHOPPERS.keys()


def test_what_is_said_of_time_names_settings_that_there_are() -> None:
    told = " ".join([*(each.kept for each in FIELDS.values()), *BESIDE.values()])
    for name in set(re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b", told)) - {"PAST_SECONDS"}:
        assert hasattr(settings, name), name


def test_the_description_names_every_place() -> None:
    text = (ROOT / "docs" / "privacy.md").read_text()
    for model in {label.rpartition(".")[0] for label in FIELDS}:
        assert f"`{model}`" in text, model
    for place in BESIDE:
        assert place.split(":")[0] in text, place


def test_every_table_of_shoppers_has_an_end_and_a_task_for_it() -> None:
    scheduled = {each["task"] for each in settings.CELERY_BEAT_SCHEDULE.values()}
    tasks = ("tend_event_log", "tend_search_log", "forget_placements", "tend_privacy")
    assert {f"workers.tasks.{each}" for each in tasks} <= scheduled
    for name in ("EVENT_RETENTION_DAYS", "SEARCH_LOG_DAYS", "SPONSORED_RETENTION_DAYS", "PRIVACY_RECORD_DAYS"):
        assert getattr(settings, name) > 0, name
