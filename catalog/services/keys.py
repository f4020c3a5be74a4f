"""API keys: making, replacing and revoking them. Each is told to the audit log in the same transaction."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from catalog import audit
from catalog.models import ApiKey


class RotationError(Exception):
    """A key that cannot be replaced; the message is a sentence."""


def make(key: ApiKey, *, by: AbstractBaseUser | None = None) -> str:
    """Save a new key and return its text, which nobody can be shown again. The caller has validated it."""
    key.created_by_id = by.pk if by else None
    with transaction.atomic():
        text = ApiKey.objects.assign_key(key)
        key.save()
        audit.record("key made", key, [_told(key)])
    return text


def rotate(key_id: int, grace: timedelta, *, by: AbstractBaseUser | None = None) -> tuple[ApiKey, str]:
    """Make a successor that may do the same, and let the old key live for `grace` more.

    The successor lives as long as its predecessor was meant to. Returns it and its text. Raises RotationError.
    """
    now = timezone.now()
    with transaction.atomic():
        old = ApiKey.objects.select_for_update(of=("self",)).get(pk=key_id)
        if not old.is_usable:
            raise RotationError(f"“{old}” is {old.state}: make a new key instead.")
        if ApiKey.objects.filter(rotated_from=old).exists():
            raise RotationError(f"“{old}” was replaced already; rotate its successor.")
        lifetime = old.expiry_date - old.created if old.expiry_date else None
        new = ApiKey(
            name=old.name,
            scope=old.scope,
            store_id=old.store_id,
            expiry_date=now + lifetime if lifetime else None,
            created_by_id=by.pk if by else None,
            rotated_from=old,
        )
        text = ApiKey.objects.assign_key(new)
        new.save()
        old.expiry_date = min(filter(None, (old.expiry_date, now + grace)))
        old.save(update_fields=["expiry_date"])
        audit.record("key rotated", old, [{**_told(new), "what": "replaced by"}, _until(old.expiry_date)])
    return new, text


def revoke(key_ids: list[int]) -> int:
    """End keys at once and for good; return how many could still be used."""
    with transaction.atomic():
        keys = list(ApiKey.objects.select_for_update(of=("self",)).filter(pk__in=key_ids, revoked=False))
        for key in keys:
            key.revoked = True
            key.save(update_fields=["revoked"])
            audit.record("key revoked", key)
    return len(keys)


def _until(moment: datetime | None) -> dict[str, Any]:
    return {"what": "expires", "fields": {"expiry_date": [None, moment.isoformat() if moment else None]}}


def _told(key: ApiKey) -> dict[str, Any]:
    return {
        "what": "added",
        "model": key._meta.label_lower,
        "id": str(key.pk),
        "object": key.name,
        "fields": {"scope": [None, key.scope], "store": [None, str(key.store) if key.store_id else None]},
    }
