"""The ledger: money is taken once for a placement, and never more than a campaign has.

A charge is one transaction. It raises the campaign's spending by an UPDATE that only finds the campaign while the sum
stays within the budgets, and adds the ledger's row, whose one-to-one with the placement can exist once. Of two requests
for one placement the second fails on that row and takes its raise back; of two for the last money the second finds no
campaign. A process that dies leaves both or neither. Nothing is read first that is written later.
"""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, DecimalField, F, Q, Value, When
from django.db.models.functions import Round
from django.utils import timezone

from recommend.sponsored.models import Campaign, Charge, Placement

PLACES = 4  # decimals of money in the ledger


def clicked(placement_key: uuid.UUID) -> bool:
    """Note a click, and charge for it: whoever clicked has also seen it. Returns whether money was taken."""
    with transaction.atomic():  # one commit for both
        Placement.objects.filter(key=placement_key, clicked_at=None).update(clicked_at=timezone.now())
        return charge(placement_key)


def seen(placement_key: uuid.UUID) -> bool:
    """Charge for a view, where the campaign pays for views. Returns whether money was taken."""
    return charge(placement_key, only=Campaign.Charge.VIEW)


def charge(placement_key: uuid.UUID, *, only: Campaign.Charge | None = None) -> bool:
    """Take a placement's price from its campaign, once. Returns whether this call did.

    Nothing is taken for an unknown placement, one that was shown longer ago than SPONSORED_CHARGEABLE_SECONDS, one that
    was charged before, nor from a campaign that is off, over, without money for it, or (with `only`) of another kind.
    """
    now = timezone.now()
    oldest = now - timedelta(seconds=settings.SPONSORED_CHARGEABLE_SECONDS)
    placements = Placement.objects.filter(key=placement_key, shown_at__gte=oldest, charge=None)
    if only is not None:
        placements = placements.filter(campaign__charge=only)
    placement = placements.only("campaign_id", "price").first()
    if placement is None:
        return False
    try:
        with transaction.atomic():
            if not _take(placement.campaign_id, placement.price, now):
                return False
            Charge.objects.create(
                placement=placement, campaign_id=placement.campaign_id, amount=placement.price, charged_at=now
            )
    except IntegrityError:
        return False  # another request was faster, and what was taken here was put back
    return True


def _take(campaign_id: int, amount: Decimal, now: datetime) -> bool:
    """Raise what is spent, in one statement and only within the budgets. Returns whether it did."""
    today = timezone.localdate(now)
    money = DecimalField(max_digits=12, decimal_places=PLACES)
    today_so_far = Case(When(spending_day=today, then=F("spent_on_day")), default=Value(Decimal(0)), output_field=money)
    # Rounded, because SQLite computes in binary fractions: fifty times 0.02 must be 1, and fit a budget of 1.
    total = Round(F("spent") + amount, PLACES, output_field=money)
    of_today = Round(today_so_far + amount, PLACES, output_field=money)
    return bool(
        Campaign.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), pk=campaign_id, active=True)
        .alias(total=total, of_today=of_today)
        .filter(Q(daily_budget=None) | Q(of_today__lte=F("daily_budget")), total__lte=F("budget"))
        .update(spent=total, spent_on_day=of_today, spending_day=today)
    )
