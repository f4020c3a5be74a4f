"""A copy of all that is kept of one person (GDPR, article 15 and 20), as JSON values."""

from collections.abc import Iterator, MutableMapping
from datetime import datetime
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session

from recommend.privacy.models import ConsentChange
from recommend.privacy.sessions import sessions_of
from recommend.privacy.subjects import Subject
from recommend.shop import privacy as history
from recommend.shop.cart import Cart
from recommend.shop.cart_pages import ORDERED

_ACCOUNT = ("username", "email", "first_name", "last_name", "date_joined", "last_login", "is_active")
_SHOPPER = ("key", "created_at", "merged_at", "personalised")


def export(subject: Subject) -> Iterator[dict[str, Any]]:
    """The account, devices and sessions, consent given and withdrawn, then every event, place and search, oldest first.

    Left out are the password's hash and the ids of rows, which tell nothing of the person.
    """
    if subject.user is not None:
        yield _told("account", {name: getattr(subject.user, name) for name in _ACCOUNT})
        for session in sessions_of(subject.user.pk):
            yield _session(session.get_decoded(), session.expire_date)
    for shopper in subject.shoppers:
        yield _told("shopper", {name: getattr(shopper, name) for name in _SHOPPER})
    for change in ConsentChange.objects.filter(key__in=subject.keys).order_by("happened_at", "pk"):
        yield _told("consent", {"given": change.given, "happened_at": change.happened_at})
    if subject.shoppers:
        yield from history.export(subject.shoppers[0])
    yield from history.export_searches(subject.strangers)


def of_browser(session: SessionBase) -> Iterator[dict[str, Any]]:
    """The cart and the last order of a browser without an account, which no row leads to."""
    if Cart(session).count or session.get(ORDERED):
        yield from (_session(session, kept.expire_date) for kept in Session.objects.filter(pk=session.session_key))


def _session(held: MutableMapping[str, Any], ends: datetime) -> dict[str, Any]:
    return _told("session", {"cart": Cart(held).listed() or None, "ordered": held.get(ORDERED), "expires_at": ends})


def _told(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, **{name: value for name, value in values.items() if value not in (None, "")}}
