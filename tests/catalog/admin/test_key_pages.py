"""The pages of API keys: empty, made, replaced, revoked, by state and scope."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import ApiKey, AuditEntry, Scope, Store
from tests.keys import make_key

pytestmark = pytest.mark.django_db
LIST = "/admin/catalog/apikey/"
TEXT = re.compile(r"[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}")


@pytest.fixture
def administrator(sign_in):
    return sign_in("administrator")


def listed(client, **query: str) -> set[str]:
    return {key.name for key in client.get(LIST, query).context["cl"].result_list}


def test_an_empty_list_says_what_keys_are_for(administrator):
    assert "There is no API key yet" in administrator.get(LIST).content.decode()


def test_a_form_proposes_an_end_and_takes_scopes(administrator, settings):
    settings.API_KEY_DAYS = 30
    proposed = administrator.get(f"{LIST}add/").context["adminform"].form.initial["expiry_date"]
    assert abs(proposed - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    answer = administrator.post(f"{LIST}add/", {"name": "ERP", "scope": []})
    assert "scope" in answer.context["adminform"].form.errors
    administrator.post(f"{LIST}add/", {"name": "ERP", "scope": ["events:write", "catalog:write"]})
    key = ApiKey.objects.get()
    assert (key.scope, key.created_by.username) == ("catalog:write events:write", "administrator")


def test_the_key_of_a_store_has_no_scope_of_the_whole_shop(administrator):
    store = Store.objects.create(name="Corner", slug="corner")
    body = {"name": "x", "scope": ["taxonomy:write"], "store": store.pk}
    assert administrator.post(f"{LIST}add/", body).status_code == 200
    assert not ApiKey.objects.exists()
    administrator.post(f"{LIST}add/", body | {"scope": ["catalog:write"]})
    assert ApiKey.objects.get().store == store


def test_replacing_shows_the_new_key_once(administrator):
    make_key(Scope.CATALOG_WRITE, name="ERP")
    old = ApiKey.objects.get()
    body = {"action": "rotate", "_selected_action": [old.pk]}
    page = administrator.post(LIST, body, follow=True).content.decode()
    new = ApiKey.objects.find(TEXT.search(page)[0])
    assert (new.rotated_from, new.created_by.username) == (old, "administrator")
    assert "works until" in page
    assert not TEXT.search(administrator.get(LIST).content.decode())
    again = administrator.post(LIST, body, follow=True).content.decode()
    assert "was replaced already" in again
    assert ApiKey.objects.count() == 2


def test_revoking_ends_keys_and_is_told_in_the_log(administrator):
    text = make_key()
    administrator.post(LIST, {"action": "revoke", "_selected_action": [ApiKey.objects.get().pk]})
    assert ApiKey.objects.find(text) is None
    assert AuditEntry.objects.get(action="key revoked").actor == "administrator"


def test_what_has_ended_is_changed_no_more(administrator):
    make_key(Scope.CATALOG_READ, name="Old", revoked=True)
    key = ApiKey.objects.get()
    administrator.post(f"{LIST}{key.pk}/change/", {"name": "New", "scope": ["catalog:write"]})
    key.refresh_from_db()
    assert (key.name, key.scope) == ("Old", "catalog:read")


def test_scopes_are_taken_away_and_that_is_told(administrator):
    make_key(Scope.CATALOG_WRITE, Scope.EVENTS_WRITE, name="ERP")
    key = ApiKey.objects.get()
    administrator.post(f"{LIST}{key.pk}/change/", {"name": "ERP", "scope": ["events:write"]})
    key.refresh_from_db()
    assert key.scope == "events:write"
    entry = AuditEntry.objects.get(model="catalog.apikey")
    assert entry.changes[0]["fields"] == {"scope": ["catalog:write events:write", "events:write"]}


@pytest.mark.slow
def test_keys_are_found_by_state_and_scope(administrator):
    soon, past = (timezone.now() + timedelta(days=days) for days in (3, -3))
    make_key(Scope.EVENTS_WRITE, name="active")
    make_key(Scope.CATALOG_READ, name="expiring", expiry_date=soon)
    make_key(Scope.CATALOG_READ, name="expired", expiry_date=past)
    make_key(Scope.CATALOG_READ, name="revoked", revoked=True)
    make_key(Scope.CATALOG_READ, name="unused")
    ApiKey.objects.filter(name="unused").update(created=timezone.now() - timedelta(days=100))
    for state in ("active", "expiring", "expired", "revoked", "unused"):
        assert listed(administrator, state=state) == {state}
    assert listed(administrator, with_scope="events:write") == {"active"}
    assert len(listed(administrator, with_scope="nonsense", state="nonsense")) == 5


@pytest.mark.slow
def test_the_list_costs_as_much_with_many_keys(administrator, django_assert_max_num_queries):
    store = Store.objects.create(name="Corner", slug="corner")
    for _ in range(30):
        make_key(Scope.CATALOG_WRITE, store=store)
    with django_assert_max_num_queries(14):
        administrator.get(LIST)
