"""Who agreed and did nothing but search has a key, searches under it, and no row: all of it is theirs all the same."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from recommend.events.models import Shopper
from recommend.privacy import erasing
from recommend.privacy.models import Erasure
from recommend.privacy.subjects import Subject
from search.models import LoggedSearch
from tests.search.shop.conftest import _fresh_cache, _stocked, catalogue, indexed  # noqa: F401

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse 9"


@pytest.fixture
def stranger(indexed, settings) -> Client:  # noqa: F811
    """Searched for a lamp, in a browser without scripts."""
    settings.SEARCH_LOG_SAMPLE, settings.SEARCH_LOG_SECONDS = 1, 0
    browser = Client(headers={"User-Agent": "Mozilla/5.0"})
    assert browser.get("/search?q=lamp").status_code == 200
    assert not Shopper.objects.exists()
    assert LoggedSearch.objects.get().visitor
    return browser


def test_they_take_their_searches_along(stranger: Client) -> None:
    page = stranger.get("/you").content.decode()
    assert "Download all of it" in page
    assert "but what you searched for" in page
    (line,) = b"".join(stranger.get("/you/download").streaming_content).splitlines()
    assert json.loads(line)["kind"] == "logged search"
    assert json.loads(line)["query"] == "lamp"
    assert Client().get("/you/download").status_code == 302, "nobody else's"


def test_they_are_erased(stranger: Client) -> None:
    old = stranger.cookies["shopper"].value
    assert "Yes, erase me" in stranger.get("/you").content.decode()
    stranger.post("/you/erase")
    assert not LoggedSearch.objects.exists()
    assert "Yes, erase me" not in stranger.get("/you").content.decode()
    stranger.cookies["shopper"] = old
    stranger.get("/search?q=lamp")
    assert stranger.cookies["shopper"].value != old, "an old cookie starts somebody new"


def test_who_becomes_known_meanwhile_is_erased_too(stranger: Client) -> None:
    subject = Subject(strangers=(LoggedSearch.objects.get().visitor,))
    Shopper.objects.create(key=subject.strangers[0])
    erasing.erase(subject, by=Erasure.By.SHOPPER)
    assert not Shopper.objects.exists()


def test_their_searches_go_with_the_consent(stranger: Client) -> None:
    stranger.post("/you/remember?to=no")
    assert not LoggedSearch.objects.exists()


def test_their_searches_join_the_account_that_they_sign_up_for(stranger: Client) -> None:
    stranger.post("/sign-up", {"username": "a@b.example", "password1": PASSWORD, "password2": PASSWORD})
    lines = b"".join(stranger.get("/you/download").streaming_content).splitlines()
    assert [each["query"] for each in map(json.loads, lines) if each["kind"] == "logged search"] == ["lamp"]
    stranger.post("/you/erase", {"password": PASSWORD})
    assert not LoggedSearch.objects.exists()


def test_an_operator_exports_and_erases_them(stranger: Client, capsys: pytest.CaptureFixture[str]) -> None:
    key = str(LoggedSearch.objects.get().visitor)
    call_command("export_shopper", "--key", key, stderr=io.StringIO())
    assert json.loads(capsys.readouterr().out)["query"] == "lamp"
    call_command("erase_shopper", "--key", key, "--yes", stdout=io.StringIO())
    assert not LoggedSearch.objects.exists()
    with pytest.raises(CommandError, match="Nothing is erased"):
        call_command("erase_shopper", "--key", key, "--yes")
