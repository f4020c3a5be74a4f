"""The audit log: what staff do leaves an entry, what shoppers do leaves none, and nobody changes one."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.core.management import call_command
from django.db.models.deletion import Collector
from django.test import Client
from django.utils import timezone

from catalog import audit
from catalog.models import ApiKey, AuditEntry, Brand, Product
from catalog.models.audit import AppendOnlyError
from search.models.judgments import JudgedQuery, JudgmentSet
from tests.keys import make_key

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse 9"
LOG = "/admin/catalog/auditentry/"


@pytest.fixture
def root(sign_in) -> Client:
    client = sign_in("root")
    AuditEntry.objects.all().forget_before(timezone.now() + timedelta(days=1))  # of signing in
    return client


def latest() -> AuditEntry:
    return AuditEntry.objects.latest("pk")


# What is done in the admin -------------------------------------------------------------------------------------------


def test_a_change_is_told_with_what_was_before(root):
    brand = Brand.objects.create(name="Acme", slug="acme")
    root.post(f"/admin/catalog/brand/{brand.pk}/change/", {"name": "Acme Ltd", "slug": "acme", "description": ""})
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.model) == ("root", "change", "catalog.brand")
    assert (entry.object_id, entry.object) == (str(brand.pk), "Acme Ltd")
    assert entry.actor_id == User.objects.get(username="root").pk
    assert entry.changes[0]["fields"] == {"name": ["Acme", "Acme Ltd"]}


def test_of_more_changes_than_are_kept_the_number_is():
    brands = [Brand.objects.create(name=f"B{number}", slug=f"b{number}") for number in range(60)]
    with audit.acting(audit.Acting("root")) as who:
        for brand in brands:
            brand.description = "new"
            brand.save()
    assert (len(who.changes), who.left_out) == (50, 10)


def test_adding_and_deleting_are_told(root):
    root.post("/admin/catalog/brand/add/", {"name": "Acme", "slug": "acme"})
    brand = Brand.objects.get()
    assert (latest().action, latest().object, latest().object_id) == ("add", "Acme", str(brand.pk))
    root.post(f"/admin/catalog/brand/{brand.pk}/delete/", {"post": "yes"})
    assert (latest().action, latest().changes[0]["what"], latest().changes[0]["object"]) == (
        "delete",
        "deleted",
        "Acme",
    )
    assert AuditEntry.objects.count() == 2


def test_an_action_is_told_with_the_rows_that_were_chosen(root, product):
    rows = [product("A"), product("B")]
    body = {"action": "publish", "_selected_action": [row.pk for row in rows]}
    root.post("/admin/catalog/product/", body)
    assert Product.objects.filter(status="published").count() == 2
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.model) == ("publish", "catalog.product")
    assert entry.changes[-1] == {"what": "chosen", "count": 2, "ids": [str(row.pk) for row in rows]}


def test_fields_of_a_product_are_in_its_history_alone(root, product):
    row = product("A")
    with audit.acting(audit.Acting("ada")) as who:
        row.title = "Better"
        row.save()
    assert who.changes == [{"what": "changed", "model": "catalog.product", "id": str(row.pk), "object": str(row)}]


def test_an_export_is_told(root, product):
    row = product("A")
    b"".join(root.post("/admin/catalog/product/", {"action": "export_as_csv", "_selected_action": [row.pk]}))
    assert AuditEntry.objects.get().action == "export as csv"


@pytest.mark.parametrize("path", ["/admin/", "/admin/catalog/brand/", "/admin/catalog/brand/add/"])
def test_looking_is_not_told(root, path):
    root.get(path)
    assert not AuditEntry.objects.exists()


def test_what_was_refused_or_wrong_is_not_told(root, sign_in):
    root.post("/admin/catalog/brand/add/", {"name": ""})
    viewer = sign_in("viewer")
    before = AuditEntry.objects.count()  # with the viewer's signing in
    assert viewer.post("/admin/catalog/brand/add/", {"name": "Acme"}).status_code == 403
    assert AuditEntry.objects.count() == before == 1


def test_rights_of_people_are_told_and_their_names_are_not(root):
    shopper = User.objects.create_user("eve@example.com", email="eve@example.com")
    body = {
        "username": "eve@example.com", "email": "new@example.com", "is_active": "on", "is_staff": "on",
        "groups": [Group.objects.get(name="viewer").pk], "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00",
    }  # fmt: skip
    assert root.post(f"/admin/auth/user/{shopper.pk}/change/", body).status_code == 302
    told = str(AuditEntry.objects.get().changes)
    assert "'is_staff': [False, True]" in told
    assert "viewer" in told
    assert "new@example.com" not in told


def test_an_account_of_a_shopper_is_named_by_its_number():
    shopper = User.objects.create_user("eve@example.com")
    assert audit.name_of(shopper) == f"user {shopper.pk}"


def test_a_key_that_is_made_is_told_without_its_text(root):
    body = {"name": "ERP", "scope": ["catalog:write"], "expiry_date_0": "", "expiry_date_1": ""}
    root.post("/admin/catalog/apikey/add/", body)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.object) == ("key made", "root", "ERP")
    assert ApiKey.objects.get().hashed_key not in str(entry.changes)


def test_many_changes_of_one_request_are_cut(root):
    with audit.acting(audit.Acting("ada")) as who:
        for number in range(60):
            Brand.objects.create(name=f"B{number}", slug=f"b{number}")
    assert (len(who.changes), who.left_out) == (50, 10)


def test_rows_without_a_page_are_told_by_their_number_alone():
    judged = JudgmentSet.objects.create(name="popular")
    with audit.acting(audit.Acting("ada")) as who:
        row = JudgedQuery.objects.create(set=judged, text="what somebody typed")
    assert who.changes == [
        {"what": "added", "model": "search.judgedquery", "id": str(row.pk), "object": f"judged query {row.pk}"}
    ]


@pytest.mark.parametrize(
    ("command", "action"), [("export_shopper", "export a shopper"), ("erase_shopper", "erase a shopper")]
)
def test_what_commands_take_out_or_erase_is_told_without_whose(command, action, capsys):
    User.objects.create_user("eve@example.com")
    more = {"yes": True} if command == "erase_shopper" else {}
    call_command(command, account="eve@example.com", **more)
    entry = AuditEntry.objects.get(action=action)
    assert entry.actor == f"manage.py {command}"
    assert "eve" not in f"{entry.object}{entry.changes}"


def test_what_nobody_of_the_staff_does_is_not_told(product):
    product("A")
    Client().get("/")
    assert not AuditEntry.objects.exists()


# Signing in ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def accounts() -> None:
    cache.clear()
    User.objects.create_user("ada", password=PASSWORD, is_staff=True)
    User.objects.create_user("eve@example.com", password=PASSWORD)


@pytest.mark.parametrize("page", ["/admin/login/", "/sign-in"])
def test_sign_ins_of_the_staff_are_told(accounts, page):
    client = Client()
    client.post(page, {"username": "ada", "password": "wrong"})
    client.post(page, {"username": "ada", "password": PASSWORD})
    client.post("/admin/logout/")
    entries = list(AuditEntry.objects.order_by("pk").values_list("actor", "action", "object", "address"))
    network = "127.0.0.0/24"
    assert entries == [
        ("unknown", "sign-in failed", "ada", network),
        ("ada", "signed in", "ada", network),
        ("ada", "signed out", "ada", network),
    ]


def test_shoppers_and_unknown_names_are_not_told(accounts):
    client = Client()
    client.post("/sign-in", {"username": "eve@example.com", "password": "wrong"})
    client.post("/sign-in", {"username": "eve@example.com", "password": PASSWORD})
    client.post("/sign-out")
    Client().post("/admin/login/", {"username": PASSWORD, "password": "ada"})
    assert not AuditEntry.objects.exists()


@pytest.mark.slow
def test_a_lock_is_told_once(accounts):
    client = Client()
    answers = [client.post("/admin/login/", {"username": "ada", "password": "x"}).status_code for _ in range(24)]
    assert answers[-4:] == [429] * 4
    assert AuditEntry.objects.filter(action="locked out", object="ada").count() == 1


@pytest.mark.parametrize(("kept", "address"), [("full", "198.51.100.7"), ("network", "198.51.100.0/24"), ("none", "")])
def test_addresses_are_kept_as_far_as_they_may_be(accounts, settings, kept, address):
    settings.AUDIT_ADDRESSES = kept
    Client(REMOTE_ADDR="198.51.100.7").post("/admin/login/", {"username": "ada", "password": PASSWORD})
    assert latest().address == address


def test_a_network_of_ipv6_is_kept(accounts):
    Client(REMOTE_ADDR="2001:db8:1:2::3").post("/admin/login/", {"username": "ada", "password": PASSWORD})
    assert latest().address == "2001:db8:1::/48"


# The log itself ------------------------------------------------------------------------------------------------------


def test_nobody_changes_or_deletes_an_entry(root):
    audit.record("test")
    entry = AuditEntry.objects.get()
    for attempt in (entry.save, entry.delete, AuditEntry.objects.all().delete):
        with pytest.raises(AppendOnlyError):
            attempt()
    with pytest.raises(AppendOnlyError):
        AuditEntry.objects.update(actor="somebody else")
    assert root.post(f"{LOG}{entry.pk}/change/", {"actor": "x"}).status_code == 403
    assert root.post(f"{LOG}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    root.post(LOG, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    assert AuditEntry.objects.filter(pk=entry.pk, actor="system").exists()


def test_entries_outlive_the_people(root):
    user = User.objects.create_user("bob", is_staff=True)
    audit.record("test", user, who=audit.Acting("bob", user.pk))
    user.delete()
    assert AuditEntry.objects.filter(actor="bob", object="bob").exists()


def test_old_entries_go(settings):
    for days in (10, 800):
        AuditEntry.objects.create(actor="ada", action="test", at=timezone.now() - timedelta(days=days))
    settings.AUDIT_DAYS = 0
    assert audit.forget_old() == 0
    settings.AUDIT_DAYS = 730
    assert audit.forget_old() == 1
    assert AuditEntry.objects.count() == 1


def test_the_page_is_empty_filtered_and_opens_an_entry(root):
    assert "Nothing was recorded yet" in root.get(LOG).content.decode()
    audit.record(
        "publish", audit.Subject("catalog.product", "7", "Chair"), [{"what": "chosen", "count": 1, "ids": ["7"]}]
    )
    audit.record("change", audit.Subject("catalog.brand", "1", "<b>Acme</b>"), who=audit.Acting("ada"))
    page = root.get(LOG).content.decode()
    assert "“Chair”" in page
    assert "&lt;b&gt;Acme" in page
    page = root.get(f"{LOG}?actor=ada").content.decode()
    assert "“Chair”" not in page
    assert root.get(f"{LOG}{latest().pk}/change/").status_code == 200


def test_the_export_runs_no_formula_and_is_told_itself(root):
    audit.record("=cmd()", audit.Subject("catalog.brand", "1", "@SUM(A1)"), who=audit.Acting("+ada"))
    entry = AuditEntry.objects.get()
    answer = root.post(LOG, {"action": "export_as_csv", "_selected_action": [entry.pk]})
    text = b"".join(answer).decode("utf-8-sig")
    assert "'=cmd()" in text
    assert "'@SUM(A1)" in text
    assert "'+ada" in text
    assert latest().action == "export as csv"
    assert latest().model == "catalog.auditentry"


def test_a_key_is_in_no_entry_when_it_is_used():
    make_key()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("label", ["recommend.event", "search.loggedsearch"])
def test_rows_of_a_log_are_deleted_by_statements(label):
    """Rows that somebody listens to are read into memory first, and of these there are millions."""
    assert Collector(using="default").can_fast_delete(apps.get_model(label)._base_manager.all())
