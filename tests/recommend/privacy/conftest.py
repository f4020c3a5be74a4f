"""The small shop of the shopper's pages, and somebody who did everything in it that leaves something behind."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test import Client
from django.utils import timezone

from recommend.events.drafts import EventDraft
from recommend.events.log import record
from recommend.events.models import Shopper
from recommend.events.shoppers import merge
from recommend.privacy.models import ConsentChange
from recommend.sponsored.models import Campaign, Charge, Placement
from search.models import LoggedSearch
from tests.search.shop.conftest import _stocked, catalogue  # noqa: F401

PASSWORD = "correct horse 9"
EMAIL = "ann.marker@shop.example"


@dataclass
class Person:
    """Somebody with an account, a phone that joined it, and words of their own in everything that they did."""

    client: Client
    user: User
    shopper: Shopper
    phone: Shopper
    markers: tuple[str, ...]  # what leads to them, in any table


@pytest.fixture
def ann(db: Any, catalogue: Any) -> Person:  # noqa: F811
    return make(catalogue, EMAIL, "annmarker")


@pytest.fixture
def bob(db: Any, catalogue: Any) -> Person:  # noqa: F811
    """Somebody else, of whom nothing may be touched."""
    return make(catalogue, "bob@shop.example", "bobmarker")


def make(products: Any, email: str, word: str) -> Person:
    user = User.objects.create_user(email, email, PASSWORD, first_name=f"{word}-first", last_name=f"{word}-last")
    shopper, phone = Shopper.objects.create(user=user), Shopper.objects.create()
    search = uuid.uuid4()
    did = [
        EventDraft("view", shopper, sku="CHAIR-1", session=f"{word}-session-0123456", basket=f"{word}-basket"),
        EventDraft("search", phone, query=f"{word} lamp", search_id=search),
        EventDraft("purchase", phone, sku="LAMP-1", basket=f"{word}-basket"),
    ]
    assert record(did).accepted == 3
    merge(phone, shopper)
    for key, words in ((phone.key, f"{word} lamp"), (shopper.key, f"{word} chair")):
        LoggedSearch.objects.create(
            id=search if key == phone.key else uuid.uuid4(), query=words, normalised=words, mode="hybrid",
            surface="page", total=1, took_ms=1, visitor=key, told={"corrected": words},
        )  # fmt: skip
    ConsentChange.objects.create(key=phone.key, given=True)
    campaign = Campaign.objects.create(name=f"Of {word[0]}", store=products["CUP-red"].store, bid=1, budget=100)
    places = [
        Placement.objects.create(
            key=uuid.uuid4(), campaign=campaign, product=products["CUP-red"], shopper=each, surface="home", price=1
        )
        for each in (shopper, phone)
    ]
    Charge.objects.create(placement=places[0], campaign=campaign, amount=1)
    staff = User.objects.create_user(f"staff-{word[0]}", is_staff=True)
    for row, told in ((user, email), (shopper, email)):
        LogEntry.objects.create(
            user=staff, content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk), object_repr=told,
            action_flag=CHANGE, change_message=f"Changed the name to {word}-last", action_time=timezone.now(),
        )  # fmt: skip
    client = Client(HTTP_USER_AGENT="Mozilla/5.0")
    client.force_login(user)
    client.post("/cart/add?sku=CUP-red", headers={"HX-Request": "true"})
    other = Client()
    other.force_login(user)
    markers = (word, email, shopper.key.hex, str(shopper.key), phone.key.hex, str(phone.key))
    return Person(client, user, shopper, phone, markers)


def traces(person: Person) -> list[str]:
    """Every column of every table that holds one of a person's markers, or leads to their rows."""
    found = []
    owned: dict[type[models.Model], set[int]] = {
        Shopper: {person.shopper.pk, person.phone.pk}, User: {person.user.pk}
    }  # fmt: skip
    for model in apps.get_models():
        leading = {field.attname: owned[field.related_model] for field in model._meta.concrete_fields
                   if field.related_model in owned}  # fmt: skip
        for row in model._base_manager.values():
            if model._meta.label == "sessions.Session":
                row["inside"] = model._base_manager.get(pk=row["session_key"]).get_decoded()
                leads = row["inside"].get("_auth_user_id") == str(person.user.pk)
            else:
                leads = any(row[name] in ids for name, ids in leading.items())
            text = repr(row)
            if leads or any(marker in text for marker in person.markers):
                found.append(model._meta.label)
    return sorted(found)


LONG_AGO = timedelta(days=5000)
