"""Campaigns, the places they won, and the ledger of what they were charged."""

from collections.abc import Iterable
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from catalog.models.rows import ShopRow


class Campaign(ShopRow):
    """A store pays for places of its products while the window is open and the budget lasts."""

    class Charge(models.TextChoices):
        CLICK = "click", "For each click"
        VIEW = "view", "For each time seen"

    class Pacing(models.TextChoices):
        EVEN = "even", "Spread evenly over the day"
        NONE = "none", "As fast as shoppers come"

    class State(models.TextChoices):
        OFF = "off", "Off"
        UPCOMING = "upcoming", "Upcoming"
        RUNNING = "running", "Running"
        RESTING = "resting", "Spent for today"
        EXHAUSTED = "exhausted", "Budget spent"
        ENDED = "ended", "Ended"

    # What only the ledger writes. A form that was open while clicks came in must not write it back.
    LEDGER_FIELDS = frozenset({"spent", "spent_on_day", "spending_day"})

    name = models.CharField(max_length=160)
    store = models.ForeignKey("catalog.Store", on_delete=models.PROTECT, related_name="campaigns")
    products = models.ManyToManyField("catalog.Product", related_name="campaigns")
    charge = models.CharField(max_length=8, choices=Charge.choices, default=Charge.CLICK)
    bid = models.DecimalField(
        max_digits=10,
        decimal_places=4,
        validators=[MinValueValidator(0)],
        help_text="The most that one click (or one view) may cost",
    )
    budget = models.DecimalField(
        max_digits=12, decimal_places=2, validators=[MinValueValidator(0)], help_text="For the whole campaign"
    )
    daily_budget = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="The most that one day may cost. Empty: what is left is spread over the days that are left.",
    )
    pacing = models.CharField(max_length=8, choices=Pacing.choices, default=Pacing.EVEN)
    # Raised in one conditional UPDATE together with the ledger's row, so that they never pass the budgets.
    spent = models.DecimalField(max_digits=12, decimal_places=4, default=0, editable=False)
    spent_on_day = models.DecimalField(max_digits=12, decimal_places=4, default=0, editable=False)
    spending_day = models.DateField(null=True, editable=False, help_text="The day that spent_on_day is of")
    cap_per_shopper = models.PositiveSmallIntegerField(default=5, help_text="Times shown to one shopper in a day")
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(spent__lte=F("budget")), name="campaign_spent_within_budget"),
            models.CheckConstraint(condition=Q(bid__gt=0), name="campaign_bid_positive"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")), name="campaign_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Save all but what the ledger owns, which a copy in memory knows only as it was when it was read."""
        if update_fields is None and not self._state.adding and not options.get("force_insert"):
            own = {field.name for field in self._meta.concrete_fields if not field.primary_key}
            update_fields = own - self.LEDGER_FIELDS
        super().save(update_fields=update_fields, **options)

    @property
    def state(self) -> "Campaign.State":
        """Whether it competes now, and if not, why."""
        now = timezone.now()
        if not self.active:
            return self.State.OFF
        if self.ends_at is not None and self.ends_at <= now:
            return self.State.ENDED
        if self.spent >= self.budget:
            return self.State.EXHAUSTED
        if self.starts_at > now:
            return self.State.UPCOMING
        today = timezone.localdate(now)
        if self.daily_budget is not None and self.spending_day == today and self.spent_on_day >= self.daily_budget:
            return self.State.RESTING
        return self.State.RUNNING


class Placement(ShopRow):
    """One sponsored product shown to one shopper, with the price its charge would be (second price).

    Kept for SPONSORED_RETENTION_DAYS; longer, and then without the shopper, where it was charged.
    """

    key = models.UUIDField(unique=True, help_text="In the link that the shopper clicks; random, so not to be guessed")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="placements")
    # A charge outlives the product that it was for.
    product = models.ForeignKey("catalog.Product", on_delete=models.SET_NULL, null=True, related_name="+")
    shopper = models.ForeignKey("recommend.Shopper", on_delete=models.SET_NULL, null=True, related_name="+")
    surface = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField(default=0, help_text="Among the sponsored ones, counted from 0")
    relevance = models.FloatField(default=1.0, help_text="0 to 1; what the bid was weighed with")
    price = models.DecimalField(max_digits=10, decimal_places=4)
    shown_at = models.DateTimeField(default=timezone.now)
    clicked_at = models.DateTimeField(null=True, blank=True, help_text="The first time")

    class Meta:
        indexes = [
            models.Index(fields=["campaign", "shopper", "-shown_at"]),
            models.Index(fields=["shown_at", "shop"]),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} on {self.surface}"


class Charge(ShopRow):
    """Money taken from a campaign for one placement. The one-to-one is what makes it exactly once."""

    placement = models.OneToOneField(Placement, on_delete=models.PROTECT, related_name="charge")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="charges")
    amount = models.DecimalField(max_digits=10, decimal_places=4)
    charged_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["campaign", "-charged_at"])]

    def __str__(self) -> str:
        return f"{self.amount} of {self.campaign_id}"


class CampaignDay(ShopRow):
    """How often a campaign was shown and clicked in one day, of placements that are no longer kept."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    shown = models.PositiveIntegerField(default=0)
    clicked = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "day"], name="campaign_day_once")]

    def __str__(self) -> str:
        return f"{self.campaign_id} on {self.day}"
