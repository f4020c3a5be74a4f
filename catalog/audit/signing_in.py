"""Sign-ins of the staff, those that failed, and locks, in the audit log. What shoppers do is in none."""

from typing import Any, Final

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.cache import cache
from django.http import HttpRequest

from catalog.audit.acting import Acting, address_kept, of_request, record

LOCKED_SECONDS: Final = 60  # one entry in so long an account: who is locked out goes on trying


def connect() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="catalog.audit.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="catalog.audit.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="catalog.audit.login_failed")


def locked_out(request: HttpRequest, name: str) -> None:
    """Note that an account of the staff had too many attempts."""
    user = _of_staff(name)
    if user and cache.add(f"audit-locked:{user.pk}", 1, LOCKED_SECONDS):
        record("locked out", user, who=Acting("unknown", None, address_kept(request)))


def _signed_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user.is_staff:
        record("signed in", user, who=of_request(request, user))


def _signed_out(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user is not None and user.is_staff:
        record("signed out", user, who=of_request(request, user))


def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    # Only names of the staff: what else is typed there may be a shopper's address, or a password in the wrong field.
    user = _of_staff(str(credentials.get("username") or ""))
    if user:
        record("sign-in failed", user, who=Acting("unknown", None, address_kept(request) if request else ""))


def _of_staff(name: str) -> User | None:
    if not name or "\x00" in name:
        return None
    return User.objects.filter(username__iexact=name[:150], is_staff=True).first()
