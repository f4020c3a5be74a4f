"""The page on what the shop knows: all of it is shown, and every switch and eraser works."""

import json
import re
import threading
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.models import Product
from recommend.events.drafts import EventDraft
from recommend.events.history import past_of
from recommend.events.log import record
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import merge
from recommend.sponsored.models import Campaign, Placement
from search.log import writing
from search.models import LoggedSearch

pytestmark = pytest.mark.django_db
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def me(client, catalogue) -> Shopper:
    """Who looks through `client`: put a cup into the cart, and did a few things before."""
    client.post("/cart/add?sku=CUP-red", headers=FRAGMENT)
    shopper = Shopper.objects.get()
    drafts = [
        EventDraft("view", shopper, sku="CHAIR-1"),
        EventDraft("search", shopper, query="garden chair"),
        EventDraft("not-for-me", shopper, sku="LAMP-1"),
    ]
    assert record(drafts).accepted == 3
    return shopper


def page(client) -> str:
    return client.get("/you").content.decode()


def test_everything_that_is_known_is_shown(client, me):
    html = page(client)
    for expected in (
        "Espresso cup, red",
        "Add to cart",
        "Folding chair",
        "“garden chair”",
        "Reading lamp",
        "Show again",
    ):
        assert expected in html
    assert "Kitchen" in html, "an interest"


def test_a_stranger_s_page_is_empty_and_makes_nobody(client, catalogue):
    assert "There is nothing in it" in page(client)
    assert not Shopper.objects.exists()


def test_one_entry_can_be_forgotten(client, me):
    view = Event.objects.get(kind="view")
    assert client.post(f"/you/forget?event={view.event_id}", headers=FRAGMENT).content == b""
    assert "Folding chair" not in page(client)
    assert [seen.product_id for seen in past_of(me).seen] == [Event.objects.get(kind="cart").product_id]


@pytest.mark.parametrize("named", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_forgetting_what_is_not_there_harms_nothing(client, me, named):
    client.post(f"/you/forget?event={named}")
    assert Event.objects.count() == 4


def test_nobody_makes_another_be_forgotten(client, me):
    stranger = Client()
    stranger.post("/cart/add?sku=CUP-blue", headers=FRAGMENT)
    stranger.post(f"/you/forget?event={Event.objects.filter(shopper=me).first().event_id}")
    assert Event.objects.filter(shopper=me).count() == 4
    stranger.post("/you/forget")
    assert Event.objects.filter(shopper=me).count() == 4
    assert Event.objects.count() == 4, "the stranger's own went"


def test_all_is_forgotten_on_every_device(client, me, catalogue):
    store = catalogue["CUP-red"].store
    campaign = Campaign.objects.create(name="Cups", store=store, bid=1, budget=10)
    shown = Placement.objects.create(
        key="11111111-1111-4111-8111-111111111111", campaign=campaign, product=catalogue["CUP-red"], shopper=me,
        surface="home", price=1,
    )  # fmt: skip
    old_phone = Shopper.objects.create()
    record([EventDraft("view", old_phone, sku="CUP-green")])
    merge(old_phone, me)
    Shopper.objects.filter(pk=me.pk).update(personalised=False)
    client.post("/you/forget")
    assert not Event.objects.exists()
    shown.refresh_from_db()
    assert shown.shopper is None
    (left,) = Shopper.objects.all()
    assert (left.pk, left.personalised) == (me.pk, False), "the choice is kept, the history is not"
    assert "There is nothing in it" in page(client)


def test_personal_recommendations_can_be_switched_off_and_on(client, me):
    assert 'aria-checked="true"' in page(client)
    assert client.post("/you/personalised?to=off", headers=FRAGMENT).headers["HX-Refresh"] == "true"
    assert past_of(Shopper.objects.get()).seen == []
    assert 'aria-checked="false"' in page(client)
    client.post("/you/personalised?to=on")
    assert len(past_of(Shopper.objects.get()).seen) == 2


def test_a_stranger_can_switch_it_off_before_anything_is_known(client, catalogue):
    client.post("/you/personalised?to=off")
    client.post("/cart/add?sku=CUP-red", headers=FRAGMENT)
    assert past_of(Shopper.objects.get()).seen == []


def test_withdrawing_the_consent_deletes_and_stays(client, me):
    client.post("/you/remember?to=no")
    assert not Event.objects.exists()
    client.post("/cart/add?sku=CUP-blue", headers=FRAGMENT)
    assert Event.objects.get().shopper is None
    assert "We remember nothing" in page(client)
    client.post("/you/remember?to=yes")
    client.post("/cart/add?sku=CUP-green", headers=FRAGMENT)
    assert Event.objects.filter(shopper__isnull=False).count() == 1


def searched(shopper: Shopper, search: UUID) -> LoggedSearch:
    return LoggedSearch(
        id=search, query="garden chair", normalised="garden chair", mode="hybrid", surface="page", total=1, took_ms=1,
        visitor=shopper.key,
    )  # fmt: skip


def test_with_an_entry_of_a_search_goes_what_the_log_of_searches_has_of_it(client, me):
    search, other = uuid4(), uuid4()
    searched(me, search).save()
    searched(me, other).save()
    entry = EventDraft("search", me, query="garden chair", search_id=search)
    click = EventDraft("click", me, sku="CHAIR-1", search_id=other)
    assert record([entry, click]).accepted == 2
    for each in (entry, click):
        client.post(f"/you/forget?event={each.event_id}")
    assert LoggedSearch.objects.get().pk == other
    assert not Event.objects.filter(event_id__in=[entry.event_id, click.event_id]).exists()


@pytest.mark.parametrize("address", ["/you/forget", "/you/remember?to=no"])
def test_what_is_forgotten_is_not_written_afterwards(client, me, settings, monkeypatch, address):
    settings.SEARCH_LOG_SECONDS = 3600
    waiting = writing._Waiting()
    waiting.thread = threading.current_thread()  # so that none is started
    monkeypatch.setattr(writing, "_waiting", waiting)
    writing.write(searched(me, uuid4()))
    client.post(address)
    writing.flush()
    assert not LoggedSearch.objects.exists()


@pytest.fixture(params=["global privacy control", "do not track", "consent that lapsed", "consent refused elsewhere"])
def not_agreeing(request, client, me, settings) -> Client:
    """The browser of `me`, who is not to be remembered any more, with all that was kept until then."""
    how = {"global privacy control": {"Sec-GPC": "1"}, "do not track": {"DNT": "1"}}
    browser = Client(headers=how.get(request.param, {}))
    browser.cookies = client.cookies
    settings.EVENTS_REQUIRE_CONSENT = request.param == "consent that lapsed"
    if request.param == "consent refused elsewhere":
        browser.cookies["consent"] = "no"
    return browser


def test_who_does_not_agree_any_more_sees_what_was_kept(not_agreeing):
    html = page(not_agreeing)
    assert "We remember nothing of what you do here. What is below is from before" in html
    assert "“garden chair”" in html
    assert "Yes, forget all of it" in html
    lines = b"".join(not_agreeing.get("/you/download").streaming_content).splitlines()
    assert len([each for each in lines if b'"event_id"' in each]) == 4


def test_refusing_deletes_what_was_kept_before(not_agreeing):
    not_agreeing.post("/you/remember?to=no")
    assert not Event.objects.exists()
    assert "What is below" not in page(not_agreeing)


def test_who_does_not_agree_any_more_forgets_entry_by_entry_and_all(not_agreeing, me):
    not_agreeing.post("/not-for-me/undo?sku=LAMP-1")
    assert not Event.objects.filter(kind="not-for-me").exists()
    not_agreeing.post(f"/you/forget?event={Event.objects.get(kind='view').event_id}")
    assert Event.objects.count() == 2
    not_agreeing.post("/you/forget")
    assert not Event.objects.exists()


def test_an_account_that_does_not_agree_any_more_is_deleted_too(client, me):
    user = User.objects.create_user("a@example.com", password="long enough 1")
    client.post("/sign-in", {"username": user.username, "password": "long enough 1"})
    client.post("/you/remember?to=no", headers={"Sec-GPC": "1"})
    assert not Event.objects.exists()


def test_refusing_deletes_what_a_device_did_that_never_joined_the_account(client, me, settings):
    settings.EVENTS_REQUIRE_CONSENT = True  # and it lapsed
    user = User.objects.create_user("a@example.com", password="long enough 1")
    client.post("/sign-in", {"username": user.username, "password": "long enough 1"})
    me.refresh_from_db()
    assert me.merged_into is None
    client.post("/you/remember?to=no")
    assert not Event.objects.exists()


def test_where_consent_is_needed_it_is_asked_for_once(client, catalogue, settings):
    settings.EVENTS_REQUIRE_CONSENT = True
    assert "May we remember" in client.get("/").content.decode()
    client.post("/you/remember?to=no")
    assert "May we remember" not in client.get("/").content.decode()
    assert client.cookies["consent"].value == "no"


def test_where_it_is_not_needed_nobody_is_asked(client, catalogue):
    assert "May we remember" not in client.get("/").content.decode()


def test_all_of_it_can_be_taken_along(client, me):
    answer = client.get("/you/download")
    session, shopper, *rows = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert session["cart"]
    assert shopper["key"] == str(me.key)
    assert [row["kind"] for row in rows] == ["cart", "view", "search", "not-for-me"]
    stored = {field.name for field in Event._meta.concrete_fields} - {"id", "shop", "shopper"}
    record([EventDraft("purchase", me, sku="CUP-red", query="q", surface="cart", position=1, value=Decimal(9),
                       basket="b", session="s" * 20, device="phone", search_id=uuid4())])  # fmt: skip
    *_, full = b"".join(client.get("/you/download").streaming_content).splitlines()
    told = json.loads(full)
    assert stored - {"product"} <= told.keys(), "nothing that is stored is left out"
    assert (told["session"], told["consent"]) == ("s" * 20, True)
    assert rows[0]["product_sku"] == "CUP-red"
    assert rows[2]["query"] == "garden chair"
    assert Client().get("/you/download").status_code == 302


def test_a_cart_without_an_account_can_be_taken_along_too(catalogue):
    visitor = Client()
    assert visitor.post("/cart/add?sku=CUP-red").status_code == 302
    assert "Download all of it" in page(visitor)
    lines = b"".join(visitor.get("/you/download").streaming_content).splitlines()
    assert json.loads(lines[0])["cart"] == [{"sku": "CUP-red", "title": "Espresso cup, red", "quantity": 1}]


def test_what_was_shown_for_money_is_known_too(client, catalogue, me):
    campaign = Campaign.objects.create(name="Cups", store=catalogue["CUP-red"].store, bid=1, budget=10)
    old_phone = Shopper.objects.create()
    merge(old_phone, me)
    for shopper, sku in ((me, "CUP-red"), (old_phone, "CUP-blue"), (None, "CUP-green")):
        Placement.objects.create(
            key=uuid4(), campaign=campaign, product=catalogue[sku], shopper=shopper, surface="home", price=1
        )
    assert "sponsored products you were shown: 2 times" in page(client)
    rows = [json.loads(line) for line in b"".join(client.get("/you/download").streaming_content).splitlines()]
    told = [row for row in rows if row["kind"] == "sponsored"]
    assert [row["product_sku"] for row in told] == ["CUP-red", "CUP-blue"]
    assert {"key", "surface", "position", "relevance", "shown_at"} <= told[0].keys()
    Event.objects.all().delete()
    assert "Download all of it" in page(client)
    client.post("/you/forget")
    session = client.session
    del session["cart"]
    session.save()
    assert "Download all of it" not in page(client)


def test_the_latest_refusals_come_first_and_the_rest_is_counted(client, me, catalogue, monkeypatch):
    monkeypatch.setattr("recommend.shop.you.MOST_REFUSED", 2)
    for sku in ("CHAIR-2", "CUP-red", "CUP-blue", "CHAIR-1"):
        record([EventDraft("not-for-me", me, sku=sku)])
    Product.objects.filter(sku="CHAIR-1").update(status=Product.Status.ARCHIVED)
    html = page(client)
    again = re.findall(r"not-for-me/undo\?sku=([^\"]+)", html)
    assert again == ["CUP-blue", "CUP-red"]
    assert "And 2 that you refused before" in html, "the lamp and the deck chair"
    client.post("/not-for-me/undo?sku=CUP-blue")
    assert re.findall(r"not-for-me/undo\?sku=([^\"]+)", page(client)) == ["CUP-red", "CHAIR-2"]


def test_interests_weigh_what_was_done_as_demand_does(client, catalogue):
    client.post("/cart/add?sku=CUP-red", headers=FRAGMENT)  # 3
    record([EventDraft("purchase", Shopper.objects.get(), sku="CHAIR-1")])  # 5
    shares = re.findall(r'<meter[^>]*value="(\d+)" aria-label="(\w+)"', page(client))
    assert shares == [("62", "Garden"), ("38", "Kitchen")]


def test_the_page_reads_the_past_once(client, me, django_assert_max_num_queries):
    with django_assert_max_num_queries(50) as asked:
        page(client)
    histories = [each["sql"] for each in asked.captured_queries if "AND consent AND product_id" in each["sql"]]
    assert len(histories) == 2, "what was decided, and what was seen"


def test_a_device_can_be_taken_out_of_the_account(client, me, catalogue):
    user = User.objects.create_user("a@example.com", password="long enough 1")
    client.post("/sign-in", {"username": user.username, "password": "long enough 1"})
    account = Shopper.objects.get(user=user)
    me.refresh_from_db()
    assert me.merged_into == account
    assert "Espresso cup, red" in page(client)
    client.post(f"/you/separate?device={me.pk}")
    assert "Espresso cup, red" not in page(client)
    for hostile in ("", "x", "99999999999999999999", str(account.pk)):
        assert client.post(f"/you/separate?device={hostile}").status_code == 404


@pytest.mark.slow
def test_history_goes_on_over_pages(client, me):
    record([EventDraft("view", me, sku="CHAIR-1") for _ in range(40)])
    assert "Page 1 of 2" in page(client)
    assert "garden chair" in client.get("/you?page=2").content.decode()
    assert client.get("/you?page=x").status_code == 200


def test_what_is_not_sold_any_more_stays_in_the_history(client, me, catalogue):
    catalogue["CHAIR-1"].delete()
    assert "Something that is not sold any more" in page(client)


def test_every_change_needs_a_form_of_the_shop(catalogue):
    guarded = Client(enforce_csrf_checks=True)
    for address in ("forget", "personalised", "remember", "separate"):
        assert guarded.post(f"/you/{address}").status_code == 403
        assert Client().get(f"/you/{address}").status_code == 405
