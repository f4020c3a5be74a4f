"""What campaigns got for their money: times shown, clicks and charges, in all and by day.

Days are local. Counts of placements that are no longer kept come from CampaignDay; charges are kept for good.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from recommend.sponsored.models import Campaign, CampaignDay, Charge, Placement


@dataclass(frozen=True)
class Figures:
    shown: int = 0
    clicked: int = 0
    charges: int = 0
    spent: Decimal = Decimal(0)

    @property
    def click_rate(self) -> float | None:
        """Clicks for each time shown; None for what was never shown."""
        return self.clicked / self.shown if self.shown else None

    @property
    def per_click(self) -> Decimal | None:
        return self.spent / self.clicked if self.clicked else None

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.shown + other.shown,
            self.clicked + other.clicked,
            self.charges + other.charges,
            self.spent + other.spent,
        )


def totals(campaigns: Collection[int]) -> dict[int, Figures]:
    """Campaign id -> figures since its start, in three queries; all campaigns named are there."""
    found = dict.fromkeys(campaigns, Figures())
    for id, shown, clicked in (
        Placement.objects.filter(campaign__in=campaigns)
        .values_list("campaign")
        .annotate(shown=Count("pk"), clicked=Count("clicked_at"))
        .order_by()
    ):
        found[id] += Figures(shown, clicked)
    for id, shown, clicked in (
        CampaignDay.objects.filter(campaign__in=campaigns)
        .values_list("campaign")
        .annotate(all_shown=Sum("shown"), all_clicked=Sum("clicked"))
        .order_by()
    ):
        found[id] += Figures(shown, clicked)
    for id, charges, spent in (
        Charge.objects.filter(campaign__in=campaigns)
        .values_list("campaign")
        .annotate(charges=Count("pk"), spent=Sum("amount"))
        .order_by()
    ):
        found[id] += Figures(charges=charges, spent=spent)
    return found


def by_day(campaign: Campaign, days: int = 30, *, until: date | None = None) -> dict[date, Figures]:
    """The last `days` days that lie in the campaign's life, oldest first, those without anything included."""
    last = until or timezone.localdate()
    first = max(last - timedelta(days=days - 1), min(timezone.localdate(campaign.starts_at), last))
    found = {first + timedelta(days=number): Figures() for number in range((last - first).days + 1)}
    for day, figures in _of_days(campaign, first):
        if day in found:
            found[day] += figures
    return found


def by_surface(campaign: Campaign) -> dict[str, Figures]:
    """Where it was shown, the most often first; of what is still kept."""
    rows = (
        Placement.objects.filter(campaign=campaign)
        .values_list("surface")
        .annotate(shown=Count("pk"), clicked=Count("clicked_at"), charges=Count("charge"), spent=Sum("charge__amount"))
        .order_by("-shown")
    )
    return {
        surface: Figures(shown, clicked, charges, spent or Decimal(0))
        for surface, shown, clicked, charges, spent in rows
    }


def _of_days(campaign: Campaign, first: date) -> Iterator[tuple[date, Figures]]:
    since = timezone.make_aware(datetime.combine(first, time()))
    shown = Placement.objects.filter(campaign=campaign, shown_at__gte=since).annotate(day=TruncDate("shown_at"))
    for day, count, clicked in (
        shown.values_list("day").annotate(count=Count("pk"), clicks=Count("clicked_at")).order_by()
    ):
        yield day, Figures(count, clicked)
    for day, count, clicked in CampaignDay.objects.filter(campaign=campaign, day__gte=first).values_list(
        "day", "shown", "clicked"
    ):
        yield day, Figures(count, clicked)
    charges = Charge.objects.filter(campaign=campaign, charged_at__gte=since).annotate(day=TruncDate("charged_at"))
    for day, count, spent in charges.values_list("day").annotate(count=Count("pk"), sum=Sum("amount")).order_by():
        yield day, Figures(charges=count, spent=spent)
