"""A shopper's own earlier queries in the search box: theirs alone, only with consent, and gone when they say so."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from recommend.events.drafts import EventDraft
from recommend.events.log import record
from recommend.events.models import Event, Shopper
from search.models import LoggedSearch

pytestmark = pytest.mark.django_db
URL = "/api/v1/suggest"


@pytest.fixture
def me(client, catalogue) -> Shopper:
    client.post("/cart/add?sku=CUP-red", headers={"HX-Request": "true"})
    shopper = Shopper.objects.get()
    queries = ("garden chair", "red cup", "garden chair")
    at = [timezone.now() - timedelta(minutes=minutes) for minutes in (3, 2, 1)]
    drafts = [EventDraft("search", shopper, query=q, happened_at=when) for q, when in zip(queries, at, strict=True)]
    assert record(drafts).accepted == 3
    return shopper


def history(client: Client, q: str = "") -> list[str]:
    answer = client.get(URL, {"q": q})
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    return answer.json()["history"]


def test_own_searches_are_offered_the_latest_first(client, me):
    assert history(client) == ["garden chair", "red cup"]
    assert history(client, "red") == ["red cup"]
    assert history(client, "cup") == ["red cup"]
    assert history(client, "sofa") == []


def test_they_are_nobody_else_s(client, me):
    assert history(Client()) == []


def test_nothing_is_offered_without_consent(client, me):
    client.cookies["consent"] = "no"
    assert history(client) == []


def test_nothing_is_offered_to_who_switched_personal_things_off(client, me):
    Shopper.objects.update(personalised=False)
    assert history(client) == []


def test_one_can_be_removed_and_stays_away(client, me):
    LoggedSearch.objects.create(
        id=uuid.uuid4(), query="Garden chair", normalised="garden chair", mode="hybrid", surface="page", total=1,
        took_ms=1, visitor=me.key, happened_at=timezone.now(),
    )  # fmt: skip
    assert client.delete(f"{URL}/history?q=garden%20chair").json() == {"forgotten": 3}
    assert history(client) == ["red cup"]
    assert not LoggedSearch.objects.exists()
    assert Event.objects.exclude(kind="search").exists(), "only searches went"


def test_all_can_be_removed_even_after_a_refusal(client, me):
    client.cookies["consent"] = "no"
    assert client.delete(f"{URL}/history").json() == {"forgotten": 3}
    assert not Event.objects.filter(kind="search").exists()


def test_a_stranger_removes_nothing_of_others(client, me):
    assert Client().delete(f"{URL}/history").json() == {"forgotten": 0}
    assert len(history(client)) >= 2


@pytest.mark.parametrize("query", ["?q=", "?x=1", "?q=" + "x" * 600, "?q=%00"])
def test_a_wrong_request_is_told(client, me, query):
    assert client.delete(f"{URL}/history{query}").status_code == 400
