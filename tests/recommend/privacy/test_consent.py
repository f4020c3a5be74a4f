"""Without consent nothing that is stored leads to anybody; and when it was given or taken back is known."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from recommend.events.models import Event, Shopper
from recommend.privacy import retention
from recommend.privacy.models import ConsentChange, ErasedKey, Erasure
from recommend.sponsored.models import Placement
from search.log import writing
from search.models import LoggedSearch
from search.shop import query_pictures
from tests.recommend.privacy.conftest import LONG_AGO, Person, traces
from tests.search.shop.conftest import _fresh_cache, indexed  # noqa: F401  (limits and shop of each test's own)

pytestmark = pytest.mark.django_db
WORD = "zyxmarker"
REFUSING = {
    "global privacy control": {"Sec-GPC": "1"},
    "do not track": {"DNT": "1"},
    "the cookie of a consent manager": {"Cookie": "consent=no"},
}


@pytest.mark.parametrize("how", REFUSING)
def test_who_refuses_leaves_rows_that_lead_to_nobody(how, indexed, settings) -> None:  # noqa: F811
    settings.SEARCH_LOG_SAMPLE, settings.SEARCH_LOG_SECONDS = 1, 0
    client = Client(headers={"User-Agent": "Mozilla/5.0", "X-Shopper-Session": f"{WORD}-0123456789", **REFUSING[how]})
    fragment = {"HX-Request": "true"}
    client.get(f"/search?q=cup+{WORD}")
    client.get(f"/api/v1/search?q=cup+{WORD}")
    client.get("/p/" + indexed["CUP-red"].slug)
    client.post("/cart/add?sku=CUP-red", headers=fragment)
    client.post("/not-for-me?sku=CUP-blue", headers=fragment)
    event = {"event_id": "0190d7a1-6c5e-4bbd-9f0e-2d6a5a1f3c44", "kind": "search", "query": WORD, "session": WORD * 3}
    client.post("/api/v1/events", event, content_type="application/json")
    client.get("/rows/for-you")
    writing.flush()
    assert LoggedSearch.objects.count() == 2
    assert not LoggedSearch.objects.exclude(visitor=None, consent=False).exists()
    assert Event.objects.exists()
    assert not Event.objects.exclude(shopper=None, session="", query="", basket="").exists()
    assert not Shopper.objects.exists()
    assert not Placement.objects.exclude(shopper=None).exists()
    assert "shopper" not in client.cookies or not client.cookies["shopper"].value
    everything = repr([*LoggedSearch.objects.values(), *Event.objects.values()])
    assert WORD not in everything


def test_who_agreed_and_did_nothing_takes_it_back_under_the_same_key(client: Client, catalogue) -> None:
    client.post("/you/remember?to=yes")
    client.post("/you/remember?to=no")
    given, taken_back = ConsentChange.objects.order_by("pk")
    assert (given.given, taken_back.given) == (True, False)
    assert given.key == taken_back.key is not None


def test_consent_is_recorded_when_it_is_given_and_taken_back(client: Client, catalogue, settings) -> None:
    settings.EVENTS_REQUIRE_CONSENT = True
    before = timezone.now()
    client.post("/you/remember?to=yes")
    (yes,) = ConsentChange.objects.all()
    client.post("/cart/add?sku=CUP-red", headers={"HX-Request": "true"})
    assert yes.given
    assert before <= yes.happened_at <= timezone.now()
    assert yes.key == Shopper.objects.get().key, "of who was known by it then"
    client.post("/you/remember?to=no")
    _, no = ConsentChange.objects.order_by("pk")
    assert not no.given
    assert no.key == yes.key
    assert not Event.objects.exists()


def test_a_stranger_who_refuses_stays_one(client: Client, catalogue) -> None:
    client.post("/you/remember?to=no")
    (no,) = ConsentChange.objects.all()
    assert (no.key, no.given) == (None, False)
    assert not Shopper.objects.exists()
    assert "shopper" not in client.cookies


def test_an_account_s_consent_is_that_of_the_account(client: Client, catalogue) -> None:
    client.force_login(user := User.objects.create_user("ann@shop.example"))
    client.post("/you/remember?to=yes")
    assert ConsentChange.objects.get().key == Shopper.objects.get(user=user).key


def test_consent_is_recorded_only_so_often_from_one_address(client: Client, catalogue, settings) -> None:
    settings.SHOP_ACTION_RATE = "3/min"
    for _ in range(5):
        client.post("/you/remember?to=no")
    assert ConsentChange.objects.count() == 3


# What goes by itself ------------------------------------------------------------


def test_what_is_over_goes_and_what_is_not_stays(ann: Person, bob: Person, settings) -> None:
    now = timezone.now()
    old = now - LONG_AGO
    Session.objects.filter(pk=ann.client.cookies["sessionid"].value).update(expire_date=now - timedelta(seconds=1))
    idle, new = Shopper.objects.create(created_at=old), Shopper.objects.create()
    busy = Shopper.objects.filter(pk=bob.phone.pk)
    busy.update(created_at=old)
    ErasedKey.objects.create(digest="a", erased_at=old)
    ErasedKey.objects.create(digest="b")
    Erasure.objects.create(by="command", asked_at=old, finished_at=old)
    Erasure.objects.create(by="command", asked_at=old)
    ConsentChange.objects.create(given=True, happened_at=old)
    gone = retention.forget_old()
    assert (gone.sessions, gone.shoppers, gone.accounts, gone.records) == (1, 1, 0, 3)
    assert not Shopper.objects.filter(pk=idle.pk).exists()
    assert Shopper.objects.filter(pk=new.pk).exists()
    assert busy.exists(), "one with events is let go when they are"
    assert Erasure.objects.filter(finished_at=None).exists(), "one that is not finished stays until it is"
    assert set(ErasedKey.objects.values_list("digest", flat=True)) >= {"b"}
    again = retention.forget_old()
    assert not any(vars(again).values())


def test_accounts_that_nobody_uses_go_where_the_shop_says_so(ann: Person, bob: Person, settings) -> None:
    User.objects.filter(pk=ann.user.pk).update(last_login=timezone.now() - timedelta(days=40))
    staff = User.objects.create_user("clerk", is_staff=True)
    User.objects.filter(pk=staff.pk).update(date_joined=timezone.now() - LONG_AGO)
    assert retention.forget_old().accounts == 0, "by default they stay"
    settings.ACCOUNT_INACTIVE_DAYS = 30
    assert retention.forget_old().accounts == 1
    assert set(traces(ann)) == {"recommend.Erasure"}
    assert User.objects.filter(pk__in=[bob.user.pk, staff.pk]).count() == 2
    assert Erasure.objects.get().by == Erasure.By.RETENTION


def test_the_task_does_all_of_it(ann: Person) -> None:
    from workers.tasks import tend_privacy

    Session.objects.update(expire_date=timezone.now() - timedelta(days=1))
    Erasure.objects.create(
        by="command", asked_at=timezone.now() - timedelta(days=1), waiting={"keys": [], "user": None}
    )
    for day in ("2026-01-01", str(timezone.localdate())):
        default_storage.save(f"{query_pictures.FOLDER}/{day}/x.webp", ContentFile(b"x"))
    tend_privacy()
    assert not Session.objects.exists()
    assert not Erasure.objects.filter(finished_at=None).exists()
    assert default_storage.listdir(query_pictures.FOLDER)[0] == [str(timezone.localdate())]


# Figures of many ------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("group", ["viewer", "administrator"])
def test_the_reports_tell_of_no_single_person(sign_in, group, settings, db) -> None:
    import uuid

    settings.SEARCH_POPULAR_VISITORS = 3
    for number in range(3):
        for words in ("garden chair", *(["zyxmarker alone"] if number < 2 else [])):
            LoggedSearch.objects.create(
                id=uuid.uuid4(), query=words, normalised=words, mode="hybrid", surface="page", total=0, took_ms=1,
                visitor=uuid.UUID(int=number), returning=True,
                happened_at=timezone.now() - timedelta(seconds=60 - number),
            )  # fmt: skip
    client = sign_in(group)
    for table in ("top", "zero", "reformulations", "trending", "slow"):
        page = client.get(f"/admin/search/loggedsearch/report/?table={table}")
        assert WORD not in page.content.decode(), table
        answer = client.get(f"/admin/search/loggedsearch/report/{table}.csv")
        assert WORD not in answer.content.decode(), table
    assert "garden chair" in client.get("/admin/search/loggedsearch/report/?table=top").content.decode()
