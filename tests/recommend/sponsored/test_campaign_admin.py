"""Campaigns in the admin: who may what, what a form refuses, and what the reports say."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.admin import reading
from catalog.models import Store
from recommend.models import Campaign, Charge, Placement
from recommend.sponsored import ledger

pytestmark = pytest.mark.django_db
LIST = "/admin/recommend/campaign/"


@pytest.fixture
def clicked(campaign, shown) -> Campaign:
    """Shown four times, clicked twice, charged for both."""
    running = campaign(name="Spring", daily_budget=Decimal(5))
    for placement in [shown(running, "0.20") for _ in range(4)][:2]:
        ledger.clicked(placement.key)
    running.refresh_from_db()
    return running


def filled(campaign: Campaign, **changes: object) -> dict[str, object]:
    start = timezone.localtime(campaign.starts_at)
    return {
        "name": campaign.name, "store": campaign.store_id, "active": "on", "charge": campaign.charge,
        "products": list(campaign.products.values_list("pk", flat=True)), "bid": str(campaign.bid),
        "budget": str(campaign.budget), "daily_budget": "", "pacing": campaign.pacing, "cap_per_shopper": 5,
        "starts_at_0": f"{start:%Y-%m-%d}", "starts_at_1": f"{start:%H:%M:%S}", "ends_at_0": "", "ends_at_1": "",
        **changes,
    }  # fmt: skip


def change(campaign: Campaign) -> str:
    return reverse("admin:recommend_campaign_change", args=[campaign.pk])


@pytest.mark.parametrize("group", ["viewer", "merchandiser", "administrator"])
@pytest.mark.parametrize("page", ["campaign/", "charge/", "placement/"])
def test_everybody_of_the_shop_may_look(sign_in, clicked, group, page):
    answer = sign_in(group).get(f"/admin/recommend/{page}")
    assert answer.status_code == 200
    assert "Spring" in answer.content.decode()


@pytest.mark.parametrize(
    ("group", "add", "alter"), [("viewer", 403, 403), ("merchandiser", 200, 302), ("administrator", 200, 302)]
)
def test_viewers_change_nothing(sign_in, clicked, group, add, alter):
    client = sign_in(group)
    assert client.get(f"{LIST}add/").status_code == add
    assert client.get(change(clicked)).status_code == 200
    assert client.post(change(clicked), filled(clicked, name="Renamed")).status_code == alter


@pytest.mark.parametrize("name", ["charge", "placement"])
def test_the_ledger_is_changed_by_nobody(sign_in, clicked, name):
    client = sign_in("administrator")
    row = {"charge": Charge, "placement": Placement}[name].objects.first()
    assert client.get(f"/admin/recommend/{name}/add/").status_code == 403
    assert client.post(f"/admin/recommend/{name}/{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_only_what_was_never_shown_is_deleted_and_only_by_administrators(sign_in, campaign, clicked):
    fresh = campaign()
    delete = [reverse("admin:recommend_campaign_delete", args=[each.pk]) for each in (fresh, clicked)]
    assert sign_in("merchandiser").post(delete[0], {"post": "yes"}).status_code == 403
    administrator = sign_in("administrator")
    assert administrator.post(delete[1], {"post": "yes"}).status_code == 403
    assert administrator.post(delete[0], {"post": "yes"}).status_code == 302
    assert list(Campaign.objects.all()) == [clicked]


def test_a_campaign_is_planned(merchandiser, campaign, offer):
    product = offer("P-1")
    template = campaign(product, name="Plan", bid=Decimal("0.25"))
    data = filled(template, daily_budget="5")
    template.delete()
    assert merchandiser.post(f"{LIST}add/", data).status_code == 302
    made = Campaign.objects.get()
    assert (made.name, made.bid, made.daily_budget, made.spent) == ("Plan", Decimal("0.25"), Decimal(5), 0)
    assert list(made.products.all()) == [product]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"bid": "0"}, "more than nothing"),
        ({"bid": "-1"}, "more than nothing"),
        ({"bid": "one"}, "Enter a number"),
        ({"bid": "NaN"}, "Enter a number"),
        ({"bid": "1e30"}, "no more than"),
        ({"budget": "0.39"}, "are spent already"),
        ({"budget": "-5"}, "are spent already"),
        ({"ends_at_0": "2020-01-01", "ends_at_1": "00:00:00"}, "must end after it starts"),
        ({"products": []}, "required"),
        ({"products": [999_999]}, "not one of the available choices"),
        ({"cap_per_shopper": "-1"}, "greater than or equal to 0"),
        ({"pacing": "sometimes"}, "Select a valid choice"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_with_a_sentence(merchandiser, clicked, changes, sentence):
    answer = merchandiser.post(change(clicked), filled(clicked, **changes))
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    clicked.refresh_from_db()
    assert (clicked.bid, clicked.budget) == (Decimal("0.5"), Decimal(100))


def test_a_store_pays_for_its_own_products_alone(merchandiser, campaign, offer):
    running, strange = campaign(), offer("P-STRANGE", "Elsewhere")
    answer = merchandiser.post(change(running), filled(running, products=[strange.pk]))
    assert answer.status_code == 200
    assert "pays for its own products" in answer.content.decode()


def test_store_and_kind_of_charge_stay_once_it_was_shown(merchandiser, clicked):
    other = Store.objects.create(name="Other", slug="other")
    merchandiser.post(change(clicked), filled(clicked, store=other.pk, charge="view", name="Renamed"))
    saved = Campaign.objects.get(pk=clicked.pk)
    assert (saved.name, saved.store, saved.charge) == ("Renamed", clicked.store, "click")


def test_saving_a_form_leaves_what_was_spent_meanwhile(merchandiser, clicked, shown):
    data = filled(clicked, name="Renamed")
    ledger.clicked(shown(clicked, "0.20").key)
    assert merchandiser.post(change(clicked), data).status_code == 302
    clicked.refresh_from_db()
    assert (clicked.name, clicked.spent) == ("Renamed", Decimal("0.60"))


@pytest.mark.parametrize("key", ["0", "999999", "abc", "99999999999999999999999"])
def test_a_campaign_that_is_not_there(merchandiser, clicked, key):
    for answer in (
        merchandiser.get(f"{LIST}{key}/change/"),
        merchandiser.post(f"{LIST}{key}/change/", filled(clicked)),
    ):
        assert answer.status_code == 302  # to the first page, with a word that there is none


def test_the_page_of_a_campaign_reports(merchandiser, clicked):
    text = merchandiser.get(change(clicked)).content.decode()
    assert "50.00%" in text
    assert "<svg" in text
    assert "Spent a day" in text
    assert "0.40" in text


@pytest.mark.slow
def test_switching_off_and_on(merchandiser, clicked):
    for action, active in (("switch_off", False), ("switch_on", True)):
        answer = merchandiser.post(LIST, {"action": action, "_selected_action": [clicked.pk]}, follow=True)
        assert "Switched 1 campaign" in answer.content.decode()
        clicked.refresh_from_db()
        assert clicked.active is active
        assert clicked.spent == Decimal("0.40")


def test_viewers_take_the_report_with_them_but_switch_nothing(sign_in, clicked):
    Campaign.objects.update(name="=SUM(A1)")
    viewer = sign_in("viewer")
    answer = viewer.post(LIST, {"action": "export_report", "_selected_action": [clicked.pk]})
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert row["campaign"] == "'=SUM(A1)", "a spreadsheet does not run it"
    assert (row["shown"], row["clicks"], row["click rate"], row["spent"]) == ("4", "2", "0.5000", "0.4000")
    viewer.post(LIST, {"action": "switch_off", "_selected_action": [clicked.pk]})
    clicked.refresh_from_db()
    assert clicked.active


@pytest.mark.slow
def test_the_filter_of_states_says_what_each_campaign_says(merchandiser, campaign):
    now, today = timezone.now(), timezone.localdate()
    campaign(name="running")
    campaign(name="running daily", daily_budget=Decimal(1))
    campaign(
        name="running again",
        daily_budget=Decimal(1),
        spent=Decimal(1),
        spent_on_day=Decimal(1),
        spending_day=today - timedelta(1),
    )
    campaign(name="resting", daily_budget=Decimal(1), spent=Decimal(1), spent_on_day=Decimal(1), spending_day=today)
    campaign(name="off", active=False)
    campaign(name="exhausted", spent=Decimal(100))
    campaign(name="upcoming", starts_at=now + timedelta(days=1))
    campaign(name="ended", starts_at=now - timedelta(days=2), ends_at=now - timedelta(days=1))
    for state in Campaign.State:
        listed = merchandiser.get(f"{LIST}?state={state}").context["cl"].result_list
        expected = {each.name for each in Campaign.objects.all() if each.state == state}
        assert {each.name for each in listed} == expected != set()
        assert all(name.startswith(state.value) for name in expected)


@pytest.mark.slow
def test_as_many_queries_for_a_long_list_as_for_a_short_one(
    merchandiser, campaign, shown, django_assert_max_num_queries
):
    shown(campaign())
    merchandiser.get(LIST)
    with CaptureQueriesContext(connection) as of_one:
        merchandiser.get(LIST)
    for _ in range(8):
        shown(campaign())
    with django_assert_max_num_queries(len(of_one)):
        merchandiser.get(LIST)


@pytest.mark.parametrize("page", ["charge/", "placement/"])
def test_a_long_ledger_is_neither_counted_to_its_end_nor_asked_row_by_row(
    merchandiser, clicked, shown, monkeypatch, page
):
    monkeypatch.setattr(reading, "COUNTED", 3)
    address = f"/admin/recommend/{page}"
    with CaptureQueriesContext(connection) as few:
        merchandiser.get(address)
    for _ in range(5):
        ledger.clicked(shown(clicked, "0.20").key)
    with CaptureQueriesContext(connection) as many:
        assert merchandiser.get(address).context["cl"].result_count == 3
    assert len(many) == len(few)
    assert not any("GROUP BY" in each["sql"] for each in many)


def test_the_list_of_placements_says_which_were_charged(merchandiser, clicked):
    listed = merchandiser.get("/admin/recommend/placement/").context["cl"]
    assert [listed.model_admin.paid(each) for each in listed.result_list] == [False, False, True, True]  # newest first
