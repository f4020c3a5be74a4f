"""The life of an API key: made, replaced step by step, revoked, and what its state is called."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog.models import ApiKey, AuditEntry, Scope, Store
from catalog.services import keys
from tests.keys import make_key

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def old() -> ApiKey:
    make_key(Scope.CATALOG_WRITE, Scope.EVENTS_WRITE, name="ERP")
    return ApiKey.objects.get()


def test_a_successor_may_do_the_same_and_the_old_one_lives_on_for_a_while(old, django_user_model):
    by = django_user_model.objects.create_user("ada")
    new, text = keys.rotate(old.pk, 2 * DAY, by=by)
    old.refresh_from_db()
    assert (new.name, new.scopes, new.rotated_from, new.created_by) == ("ERP", old.scopes, old, by)
    assert ApiKey.objects.find(text) == new
    assert timezone.now() + DAY < old.expiry_date <= timezone.now() + 2 * DAY
    assert old.is_usable
    assert old.state == "expiring"


def test_no_grace_ends_the_old_key_at_once(old):
    keys.rotate(old.pk, timedelta())
    old.refresh_from_db()
    assert old.state == "expired"


def test_a_grace_does_not_lengthen_a_life_and_the_successor_lives_as_long(old):
    ends = timezone.now() + DAY
    ApiKey.objects.update(created=timezone.now() - 9 * DAY, expiry_date=ends)
    new, _ = keys.rotate(old.pk, 7 * DAY)
    old.refresh_from_db()
    assert old.expiry_date == ends
    assert abs(new.expiry_date - timezone.now() - 10 * DAY) < timedelta(minutes=1)


@pytest.mark.parametrize("state", ["revoked", "expired", "replaced"])
def test_what_has_ended_or_a_successor_is_not_replaced(old, state):
    if state == "revoked":
        keys.revoke([old.pk])
    elif state == "expired":
        ApiKey.objects.update(expiry_date=timezone.now() - DAY)
    else:
        keys.rotate(old.pk, DAY)
    count = ApiKey.objects.count()
    with pytest.raises(keys.RotationError):
        keys.rotate(old.pk, DAY)
    assert ApiKey.objects.count() == count


def test_a_revoked_key_does_not_come_back(old):
    assert keys.revoke([old.pk]) == 1
    assert keys.revoke([old.pk]) == 0
    key = ApiKey.objects.get()
    key.revoked = False
    with pytest.raises(ValidationError):
        key.save()


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "active"),
        ({"expiry_date": timezone.now() + 5 * DAY}, "expiring"),
        ({"expiry_date": timezone.now() - DAY}, "expired"),
        ({"revoked": True, "expiry_date": timezone.now() - DAY}, "revoked"),
        ({"created": timezone.now() - 100 * DAY}, "unused"),
        ({"created": timezone.now() - 100 * DAY, "last_used_at": timezone.now() - DAY}, "active"),
        ({"last_used_at": timezone.now() - 91 * DAY}, "unused"),
    ],
)
def test_states(old, fields, state):
    ApiKey.objects.update(**fields)
    assert ApiKey.objects.get().state == state


def test_a_store_s_key_cannot_have_scopes_of_the_whole_shop():
    store = Store.objects.create(name="Corner", slug="corner")
    key = ApiKey(name="x", scope="catalog:write taxonomy:write", store=store)
    with pytest.raises(ValidationError, match="taxonomy:write"):
        key.clean()
    with pytest.raises(ValidationError, match="no scope"):
        ApiKey(name="x", scope="catalog:everything").clean()


def test_a_key_goes_with_its_store():
    store = Store.objects.create(name="Corner", slug="corner")
    make_key(Scope.CATALOG_WRITE, store=store)
    store.delete()
    assert not ApiKey.objects.exists()


def test_the_command_replaces_a_key_and_prints_its_text_alone(old):
    out, said = StringIO(), StringIO()
    call_command("rotate_api_key", old.prefix, grace=1, stdout=out, stderr=said)
    new = ApiKey.objects.find(out.getvalue().strip())
    assert new is not None
    assert new.rotated_from == old
    assert "works until" in said.getvalue()
    assert AuditEntry.objects.get(action="key rotated").actor == "manage.py rotate_api_key"


@pytest.mark.parametrize(("prefix", "grace"), [("nothing!", 1), ("", 1), (None, -1), (None, float("nan"))])
def test_the_command_says_what_is_wrong(old, prefix, grace):
    with pytest.raises(CommandError):
        call_command("rotate_api_key", old.prefix if prefix is None else prefix, grace=grace)
    assert ApiKey.objects.count() == 1


def test_each_step_is_in_the_audit_log_without_the_key(old):
    _, text = keys.rotate(old.pk, DAY)
    keys.revoke([old.pk])
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"key rotated", "key revoked"}
    told = str(list(AuditEntry.objects.values()))
    assert text not in told
    assert old.hashed_key not in told
