"""What goes by itself when its time is over, beside events, searches and placements, which have tasks of their own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog.accounts import of_this_shop
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import COOKIE_SECONDS
from recommend.privacy.erasing import erase
from recommend.privacy.models import ConsentChange, ErasedKey, Erasure
from recommend.privacy.subjects import of_user

CHUNK = 1000  # rows of one transaction
COOKIE_DAYS = COOKIE_SECONDS // 86_400


@dataclass(frozen=True)
class Gone:
    sessions: int
    shoppers: int
    accounts: int
    records: int


def forget_old(now: datetime | None = None) -> Gone:
    """Delete expired sessions, devices that left nothing, accounts nobody uses, and old notes. Safe to be cut off."""
    now = now or timezone.now()
    return Gone(
        sessions=Session.objects.filter(expire_date__lt=now).delete()[0],
        shoppers=_shoppers(now),
        accounts=_accounts(now),
        records=_records(now),
    )


def _shoppers(now: datetime) -> int:
    """Devices without any event, whose cookie has expired and whose events would have been deleted by now."""
    if not settings.EVENT_RETENTION_DAYS:
        return 0
    before = now - timedelta(days=max(settings.EVENT_RETENTION_DAYS, COOKIE_DAYS))
    empty = Shopper.objects.filter(
        ~Exists(Event.objects.filter(shopper=OuterRef("pk"))),
        ~Exists(Shopper.objects.filter(merged_into=OuterRef("pk")).order_by()),
        user=None,
        created_at__lt=before,
    )
    gone = 0
    while ids := list(empty.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        gone += Shopper.objects.filter(pk__in=ids).delete()[0]
    return gone


def _accounts(now: datetime) -> int:
    """Accounts of shoppers that nobody signed in to for ACCOUNT_INACTIVE_DAYS; 0: they stay."""
    if not settings.ACCOUNT_INACTIVE_DAYS:
        return 0
    before = now - timedelta(days=settings.ACCOUNT_INACTIVE_DAYS)
    unused = of_this_shop(User.objects.filter(is_staff=False, is_superuser=False)).annotate(
        used=Coalesce("last_login", "date_joined")
    )
    old = list(unused.filter(used__lt=before).order_by("pk")[:CHUNK])  # more of them by the next run
    for user in old:
        erase(of_user(user), by=Erasure.By.RETENTION)
    return len(old)


def _records(now: datetime) -> int:
    gone = ErasedKey.objects.filter(erased_at__lt=now - timedelta(days=COOKIE_DAYS)).delete()[0]
    if settings.PRIVACY_RECORD_DAYS:
        before = now - timedelta(days=settings.PRIVACY_RECORD_DAYS)
        gone += ConsentChange.objects.filter(happened_at__lt=before).delete()[0]
        gone += Erasure.objects.filter(~Q(finished_at=None), asked_at__lt=before).delete()[0]
    return gone
