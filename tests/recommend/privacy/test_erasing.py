"""A person's data is handed out whole and erased whole: every table is looked through for anything of theirs."""

import io
import json
import uuid
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from catalog.models import OutboxEntry
from catalog.tenancy import DEFAULT_SHOP
from recommend.events.drafts import EventDraft
from recommend.events.log import record
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import by_keys, of_name, of_session
from recommend.privacy import erasing, tombstones
from recommend.privacy.models import ConsentChange, Erasure
from recommend.privacy.subjects import NobodyError, find, of_shopper
from recommend.serving import memory
from recommend.sponsored.models import Charge, Placement
from recommend.training.dataset import read as read_training
from search.models import LoggedSearch
from tests.recommend.privacy.conftest import EMAIL, PASSWORD, Person, traces
from tests.search.shop.conftest import _fresh_cache  # noqa: F401  (the limits of attempts are each test's own)

pytestmark = pytest.mark.django_db
BY = Erasure.By


def settle() -> int:
    """Let the time go by after which no process can hold anything any more."""
    Erasure.objects.update(asked_at=timezone.now() - erasing.SETTLED)
    return erasing.resume()


def test_there_is_something_to_be_found(ann: Person) -> None:
    assert set(traces(ann)) == {
        "admin.LogEntry", "auth.User", "recommend.ConsentChange", "recommend.Event", "recommend.Placement",
        "recommend.Shopper", "search.LoggedSearch", "sessions.Session",
    }  # fmt: skip


def test_nothing_of_the_person_is_left_in_any_table(ann: Person, bob: Person) -> None:
    others, charges = traces(bob), Charge.objects.count()
    erasing.erase(of_shopper(ann.phone), by=BY.COMMAND)
    assert traces(ann) == ["recommend.Erasure"], "what is still to be done, until it is"
    assert settle() == 1
    assert traces(ann) == []
    assert traces(bob) == others
    assert Charge.objects.count() == charges, "money stays"
    assert Placement.objects.filter(shopper=None).count() == 2
    assert ConsentChange.objects.filter(key=None, given=True).count() == 1, "that somebody agreed stays"
    assert LogEntry.objects.filter(object_repr=erasing.ERASED, change_message="").count() == 2


def test_again_is_harmless(ann: Person) -> None:
    subject = of_shopper(ann.shopper)
    assert erasing.erase(subject, by=BY.COMMAND).rows > 5
    assert erasing.erase(subject, by=BY.COMMAND).rows == 0
    settle()
    assert settle() == 0
    assert traces(ann) == []


def test_rows_go_all_or_none(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    before = traces(ann)

    def fail(*args: object) -> int:
        raise RuntimeError("cut off")

    monkeypatch.setattr(erasing, "forget_visitors", fail)
    with pytest.raises(RuntimeError):
        erasing.erase(of_shopper(ann.shopper), by=BY.COMMAND)
    assert traces(ann) == before
    assert not tombstones.is_erased(ann.shopper.key)


def test_a_process_that_dies_after_the_rows_leaves_the_rest_to_the_next(ann: Person, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(erasing, "end_sessions", lambda user: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            erasing.erase(of_shopper(ann.shopper), by=BY.COMMAND)
    assert set(traces(ann)) == {"recommend.Erasure", "sessions.Session"}
    assert erasing.resume() == 0, "not for good yet"
    assert traces(ann) == ["recommend.Erasure"]
    assert settle() == 1
    assert traces(ann) == []


def test_one_that_fails_holds_up_no_other(ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (ann, bob):
        erasing.erase(of_shopper(each.shopper), by=BY.COMMAND)
    real = erasing.end_sessions
    monkeypatch.setattr(erasing, "end_sessions", lambda user: 1 / 0 if user == ann.user.pk else real(user))
    assert settle() == 1
    assert Erasure.objects.filter(finished_at=None).count() == 1


def test_a_search_that_another_process_writes_late_goes_too(ann: Person) -> None:
    erasing.erase(of_shopper(ann.shopper), by=BY.COMMAND)
    LoggedSearch.objects.create(
        id=uuid.uuid4(), query="annmarker late", mode="hybrid", surface="page", total=1, took_ms=1,
        visitor=ann.phone.key,
    )  # fmt: skip
    settle()
    assert traces(ann) == []


def test_staff_keep_their_account_and_lose_their_history(ann: Person) -> None:
    User.objects.filter(pk=ann.user.pk).update(is_staff=True)
    erasing.erase(find(account=EMAIL), by=BY.COMMAND)
    assert User.objects.filter(pk=ann.user.pk).exists()
    assert not Event.objects.exists()
    assert not Shopper.objects.filter(pk__in=[ann.shopper.pk, ann.phone.pk]).exists()


def test_the_next_training_has_nothing_of_it(ann: Person, bob: Person) -> None:
    erasing.erase(of_shopper(ann.shopper), by=BY.COMMAND)
    assert {each.shopper_id for each in Event.objects.all()} == {bob.shopper.pk, bob.phone.pk}
    learned, _ = read_training()
    assert set(learned.shoppers) == {bob.shopper.pk}, "a device's history counts as the account's"


def test_a_process_lets_go_of_what_it_remembered(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.past(ann.shopper)
    assert (DEFAULT_SHOP, ann.shopper.key) in memory._pasts
    erasing.erase(of_shopper(ann.shopper), by=BY.COMMAND)
    assert (DEFAULT_SHOP, ann.shopper.key) not in memory._pasts


def test_another_process_lets_go_within_its_time(ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.past(ann.shopper)
    later = memory.time.monotonic() + memory.PAST_SECONDS + 1
    monkeypatch.setattr(memory.time, "monotonic", lambda: later)
    memory.past(bob.shopper)
    assert list(memory._pasts) == [(DEFAULT_SHOP, bob.shopper.key)]


# Who comes back ------------------------------------------------------------------------------------------------------


def test_an_old_cookie_starts_somebody_new(client: Client, catalogue) -> None:
    client.post("/cart/add?sku=CUP-red", headers={"HX-Request": "true"})
    (first,) = Shopper.objects.all()
    erasing.erase(of_shopper(first), by=BY.COMMAND)
    client.post("/cart/add?sku=CUP-red", headers={"HX-Request": "true"})
    (second,) = Shopper.objects.all()
    assert second.key != first.key
    client.post("/cart/add?sku=CUP-blue", headers={"HX-Request": "true"})
    assert Shopper.objects.get() == second, "the new cookie holds"


def test_an_app_s_old_session_starts_somebody_new(client: Client, catalogue) -> None:
    session = {"X-Shopper-Session": "a-secret-of-the-app-0123"}

    def send() -> Shopper:
        event = {"event_id": str(uuid.uuid4()), "kind": "view", "sku": "CUP-red"}
        fresh = Client(headers={**session, "User-Agent": "Mozilla/5.0"})
        answer = fresh.post("/api/v1/events", json.dumps(event), content_type="application/json")
        assert answer.json()["accepted"] == 1
        return Shopper.objects.get()

    first = send()
    assert first.key == of_session(session["X-Shopper-Session"])
    erasing.erase(of_shopper(first), by=BY.COMMAND)
    second = send()
    assert second.key != first.key
    assert send() == second, "and stays the same one from then on"
    erasing.erase(of_shopper(second), by=BY.COMMAND)
    assert send().key not in (first.key, second.key)


def test_a_name_of_another_system_starts_somebody_new() -> None:
    name = of_name("customer 7")
    first = by_keys([name])[name]
    erasing.erase(of_shopper(first), by=BY.COMMAND)
    second = by_keys([name])[name]
    assert second.key != first.key
    assert by_keys([name])[name] == second


def test_by_such_a_name_an_operator_finds_who_came_since() -> None:
    name = of_name("customer 7")
    for _ in range(2):
        shopper = by_keys([name])[name]
        subject = find(key="customer 7")
        assert subject.keys == [shopper.key]
        erasing.erase(subject, by=BY.COMMAND)
    with pytest.raises(NobodyError):
        find(key="customer 7")


# Who asks for it -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_owner_of_an_account_says_the_password_again(ann: Person, bob: Person) -> None:
    others = traces(bob)
    ann.client.post("/you/erase", {"password": "a guess"})
    assert User.objects.filter(pk=ann.user.pk).exists()
    assert "not the password" in ann.client.get("/you").content.decode()
    answer = ann.client.post("/you/erase", {"password": PASSWORD})
    assert answer.status_code == 302
    settle()
    assert traces(ann) == []
    assert traces(bob) == others
    page = ann.client.get("/you").content.decode()
    assert "You are erased" in page
    assert "known on this device only" in page
    assert not Session.objects.filter(pk=ann.client.cookies["sessionid"].value).exists()


def test_guesses_of_the_password_are_counted(ann: Person) -> None:
    for _ in range(21):
        ann.client.post("/you/erase", {"password": "a guess"})
    ann.client.post("/you/erase", {"password": PASSWORD})
    assert User.objects.filter(pk=ann.user.pk).exists()


def test_a_device_is_erased_without_an_account(client: Client, catalogue) -> None:
    client.post("/cart/add?sku=CUP-red", headers={"HX-Request": "true"})
    assert "Yes, erase me" in client.get("/you").content.decode()
    client.post("/you/erase")
    assert not Event.objects.exists()
    assert not Shopper.objects.exists()
    assert "Yes, erase me" not in client.get("/you").content.decode()
    assert "Espresso" not in client.get("/cart").content.decode(), "the cart went with the session"


def test_an_administrator_erases_a_person_with_all_devices_once(sign_in, ann: Person, bob: Person) -> None:
    client, others = sign_in("administrator"), traces(bob)
    chosen = {"action": "erase", "_selected_action": [ann.shopper.pk, ann.phone.pk]}
    client.post("/admin/recommend/shopper/", chosen)
    assert Erasure.objects.get().by == BY.ADMINISTRATOR
    settle()
    assert traces(ann) == []
    assert traces(bob) == others


def test_a_viewer_erases_nobody(sign_in, ann: Person) -> None:
    sign_in("viewer").post("/admin/recommend/shopper/", {"action": "erase", "_selected_action": [ann.shopper.pk]})
    assert Shopper.objects.filter(pk=ann.shopper.pk).exists()


def test_an_account_that_staff_delete_leaves_no_name(sign_in, ann: Person) -> None:
    client = sign_in("administrator")
    assert client.post(f"/admin/auth/user/{ann.user.pk}/delete/", {"post": "yes"}).status_code == 302
    assert LogEntry.objects.exists()
    assert "admin.LogEntry" not in traces(ann)
    assert not Event.objects.exists()
    assert not LoggedSearch.objects.exists()
    assert tombstones.is_erased(ann.shopper.key)


@pytest.mark.parametrize("by", ["key", "account", "email"])
def test_an_operator_exports_and_erases(ann: Person, by: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = {"key": str(ann.phone.key), "account": EMAIL, "email": EMAIL.upper()}[by]
    call_command("export_shopper", f"--{by}", name, stderr=io.StringIO())
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [each["kind"] for each in rows]
    assert [kinds.count(each) for each in ("account", "session", "shopper", "consent", "sponsored")] == [1, 2, 2, 1, 2]
    assert kinds.count("logged search") == 2
    assert {each["cart"] and "cart" for each in rows if each.get("cart")} == {"cart"}
    text = json.dumps(rows)
    assert all(each in text for each in ("annmarker lamp", "annmarker-basket", EMAIL, str(ann.phone.key)))
    assert ann.user.password not in text
    call_command("erase_shopper", f"--{by}", name, "--yes", stdout=io.StringIO())
    settle()
    assert traces(ann) == []
    with pytest.raises(CommandError, match="Nothing is erased"):
        call_command("erase_shopper", f"--{by}", name, "--yes")


def test_an_address_of_two_accounts_erases_neither(ann: Person) -> None:
    User.objects.create_user("second", EMAIL)
    with pytest.raises(CommandError, match="Several accounts"):
        call_command("erase_shopper", "--email", EMAIL, "--yes")


def test_the_download_has_the_account_and_the_consent(ann: Person) -> None:
    lines = b"".join(ann.client.get("/you/download").streaming_content).splitlines()
    rows = [json.loads(line) for line in lines]
    assert rows[0] == {"kind": "account", **rows[0]}
    assert {"account", "session", "shopper", "consent", "sponsored", "logged search", "search"} <= {
        each["kind"] for each in rows
    }


def test_the_download_has_the_last_order_that_a_session_holds(ann: Person) -> None:
    assert ann.client.post("/cart/order").status_code == 302
    lines = b"".join(ann.client.get("/you/download").streaming_content).splitlines()
    (order,) = [each["ordered"] for each in map(json.loads, lines) if each.get("ordered")]
    assert [line["title"] for line in order["lines"]] == ["Espresso cup, red"]


def test_the_products_are_as_they_were(ann: Person) -> None:
    before = OutboxEntry.objects.count()
    erasing.erase(of_shopper(ann.shopper), by=BY.COMMAND)
    assert OutboxEntry.objects.count() == before


def test_a_device_that_did_something_since_is_erased_with_it(ann: Person) -> None:
    record([EventDraft("view", ann.phone, sku="CUP-red", happened_at=timezone.now() - timedelta(seconds=1))])
    erasing.erase(of_shopper(ann.shopper), by=BY.COMMAND)
    assert not Event.objects.filter(shopper__in=[ann.shopper.pk, ann.phone.pk]).exists()
