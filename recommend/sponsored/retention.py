"""Placements are not kept for ever: they say what was shown to whom."""

from collections import Counter
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from recommend.sponsored.models import CampaignDay, Placement

BATCH = 2_000  # in one transaction, so that clicks never wait long


def forget_old(*, now: datetime | None = None) -> int:
    """Delete placements older than SPONSORED_RETENTION_DAYS; returns how many.

    Their counts move to CampaignDay in the same transaction, so that reports stay what they were, also when the process
    dies in between. What was charged stays as the charge's voucher, and only forgets the shopper.
    """
    days = settings.SPONSORED_RETENTION_DAYS
    if not days:
        return 0
    old = Placement.objects.filter(shown_at__lt=(now or timezone.now()) - timedelta(days=days))
    old.filter(charge__isnull=False, shopper__isnull=False).update(shopper=None)
    deleted = 0
    while batch := _forget(old):
        deleted += batch
    return deleted


def _forget(old: QuerySet[Placement]) -> int:
    with transaction.atomic():
        # Locked, and what is locked left alone: a second process that does the same must not count them again.
        batch = list(
            old.filter(charge=None)
            .select_for_update(of=("self",), skip_locked=True)
            .only("campaign_id", "shown_at", "clicked_at")
            .order_by("shown_at")[:BATCH]
        )
        shown, clicked = Counter[tuple[int, date]](), Counter[tuple[int, date]]()
        for placement in batch:
            of = placement.campaign_id, timezone.localdate(placement.shown_at)
            shown[of] += 1
            clicked[of] += placement.clicked_at is not None
        for (campaign, day), count in shown.items():
            row, _ = CampaignDay.objects.get_or_create(campaign_id=campaign, day=day)
            CampaignDay.objects.filter(pk=row.pk).update(
                shown=F("shown") + count, clicked=F("clicked") + clicked[campaign, day]
            )
        return Placement.objects.filter(pk__in=[placement.pk for placement in batch]).delete()[0]
