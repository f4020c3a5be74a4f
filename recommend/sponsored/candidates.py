"""Which campaigns may take part now, with which products, for this shopper."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal

from django.conf import settings
from django.db.models import Count, F, Q
from django.utils import timezone

from catalog.models import Product
from catalog.selectors import buyable
from recommend.events.models import Shopper
from recommend.sponsored import pacing
from recommend.sponsored.models import Campaign, Placement
from recommend.sponsored.second_price import Entry

# Pairs of campaign and product that are looked at, those with the highest bids: a bound on what one request costs.
MOST = 5_000


@dataclass(frozen=True)
class Runner:
    """A product of a campaign that is running."""

    campaign_id: int
    product_id: int
    store_id: int
    family: str
    by_view: bool
    cap: int
    spending: pacing.Spending


def running(within: Q | None = None, *, at: datetime | None = None) -> list[Runner]:
    """The products of running campaigns that can be bought now, of all or of those that `within` (on Product) keeps.

    One query. A campaign runs while it is active, its window is open and there is money left; its product takes part
    while it is published, in stock, and sold by the campaign's store.
    """
    now = at or timezone.now()
    pairs = Campaign.products.through.objects.filter(
        Q(campaign__ends_at=None) | Q(campaign__ends_at__gt=now),
        buyable("product"),
        campaign__active=True,
        campaign__starts_at__lte=now,
        campaign__spent__lt=F("campaign__budget"),
        product__status=Product.Status.PUBLISHED,
        product__store=F("campaign__store"),
    )
    if within is not None:
        pairs = pairs.filter(product__in=Product.objects.filter(within).values("pk"))
    chosen = (
        pairs.select_related("campaign", "product").only("campaign", "product__family").order_by("-campaign__bid", "pk")
    )
    today = timezone.localdate(now)
    return [
        Runner(
            campaign_id=pair.campaign_id,
            product_id=pair.product_id,
            store_id=pair.campaign.store_id,
            family=pair.product.family,
            by_view=pair.campaign.charge == Campaign.Charge.VIEW,
            cap=pair.campaign.cap_per_shopper,
            spending=_spending(pair.campaign, today),
        )
        for pair in chosen[:MOST]
    ]


def _spending(campaign: Campaign, today: object) -> pacing.Spending:
    return pacing.Spending(
        bid=campaign.bid,
        budget=campaign.budget,
        spent=campaign.spent,
        spent_today=campaign.spent_on_day if campaign.spending_day == today else Decimal(0),
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        daily_budget=campaign.daily_budget,
        even=campaign.pacing == Campaign.Pacing.EVEN,
    )


def entries(
    shopper: Shopper | None,
    runners: Sequence[Runner],
    relevance: Mapping[int, float],
    *,
    at: datetime | None = None,
    chance: random.Random | None = None,
) -> list[Entry]:
    """What enters one auction: the runners that are relevant, may be shown to the shopper again, and are not held back.

    Pacing is drawn for once per campaign. One query, for the shopper's caps; none for a stranger, who has none.
    """
    now = at or timezone.now()
    drawn = chance or random.SystemRandom()
    relevant = [each for each in runners if relevance.get(each.product_id, 0.0) >= settings.SPONSORED_FLOOR]
    campaigns = {each.campaign_id: each.spending for each in relevant}
    entering = {id for id, spending in campaigns.items() if drawn.random() < pacing.chance(spending, now)}
    shown = _shown_today(shopper, entering, now)
    per_click = Decimal(str(settings.SPONSORED_RESERVE))
    click_rate = Decimal(str(settings.SPONSORED_EXPECTED_CLICK_RATE))
    return [
        Entry(
            campaign_id=each.campaign_id,
            product_id=each.product_id,
            store_id=each.store_id,
            family=each.family,
            bid=min(each.spending.bid, each.spending.left),
            relevance=min(relevance[each.product_id], 1.0),
            reserve=per_click * click_rate if each.by_view else per_click,
            worth=Decimal(1) if each.by_view else click_rate,
            rest=each.cap - shown.get(each.campaign_id, 0),
        )
        for each in relevant
        if each.campaign_id in entering and shown.get(each.campaign_id, 0) < each.cap
    ]


def _shown_today(shopper: Shopper | None, campaigns: Collection[int], now: datetime) -> dict[int, int]:
    """Campaign id -> times that it was shown to the shopper today, on any of their devices.

    Two answers made at the same moment may each take the last one of a cap: it protects from boredom, not from loss.
    """
    if shopper is None or not campaigns:
        return {}
    root = shopper.merged_into_id or shopper.pk
    midnight = timezone.make_aware(datetime.combine(timezone.localdate(now), time()))
    rows = (
        Placement.objects.filter(
            Q(shopper=root) | Q(shopper__merged_into=root), campaign__in=campaigns, shown_at__gte=midnight
        )
        .values_list("campaign")
        .annotate(times=Count("pk"))
    )
    return dict(rows)
