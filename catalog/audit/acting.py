"""Who is acting, and the entry that says what they did."""

import contextlib
import ipaddress
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest

from catalog.models.audit import AuditEntry

LONGEST_NAME = 200


@dataclass
class Acting:
    """Somebody of the staff, or a command, and the changes of rows that were seen while they act."""

    actor: str
    actor_id: int | None = None
    address: str = ""
    changes: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0  # changes beyond those that are kept
    recorded: int = 0  # entries that were added while they act


@dataclass(frozen=True)
class Subject:
    """What something was done to, by names and numbers."""

    model: str = ""
    id: str = ""
    name: str = ""


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


def current() -> Acting | None:
    return _acting.get()


@contextlib.contextmanager
def acting(who: Acting) -> Iterator[Acting]:
    """Inside of the block, what is recorded was done by these."""
    token = _acting.set(who)
    try:
        yield who
    finally:
        _acting.reset(token)


def of_request(request: HttpRequest, user: AbstractBaseUser) -> Acting:
    return Acting(user.get_username(), user.pk, address_kept(request))


def address_kept(request: HttpRequest) -> str:
    """Return as much of the sender's address as may be kept: all of it, its network (/24, /48), or nothing."""
    from catalog.api.throttles import address_of  # REST framework is read only once the applications are

    if settings.AUDIT_ADDRESSES == "none":
        return ""
    try:
        address = ipaddress.ip_address(address_of(request))
    except ValueError:
        return ""
    if settings.AUDIT_ADDRESSES == "full":
        return str(address)
    bits = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, bits), strict=False))


def record(
    action: str,
    subject: Model | Subject | None = None,
    changes: Iterable[dict[str, Any]] = (),
    *,
    who: Acting | None = None,
) -> None:
    """Add an entry, in the transaction that is open. `who` is whoever is acting, where nobody is named."""
    found = who or current() or Acting("system")
    if isinstance(subject, Model):
        subject = Subject(subject._meta.label_lower, str(subject.pk), name_of(subject))
    told = subject or Subject()
    found.recorded += 1
    AuditEntry.objects.create(
        actor=found.actor,
        actor_id=found.actor_id,
        address=found.address,
        action=action[:60],
        model=told.model,
        object_id=told.id[:64],
        object=told.name[:LONGEST_NAME],
        changes=list(changes),
    )


def name_of(row: Model) -> str:
    """What a row is called in the log. Shoppers have accounts too, and are named by their e-mail address."""
    if row._meta.label_lower in settings.AUDIT_SILENT or (isinstance(row, User) and not row.is_staff):
        return f"{row._meta.verbose_name} {row.pk}"
    return str(row)[:LONGEST_NAME]
