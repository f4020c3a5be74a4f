"""Campaigns and the ledger of what they were charged."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class Campaign(models.Model):
    """A store pays for places of its products while the window is open and the budget lasts."""

    class Charge(models.TextChoices):
        CLICK = "click", "For each click"
        VIEW = "view", "For each time shown"

    name = models.CharField(max_length=160)
    store = models.ForeignKey("catalog.Store", on_delete=models.PROTECT, related_name="campaigns")
    products = models.ManyToManyField("catalog.Product", related_name="campaigns")
    charge = models.CharField(max_length=8, choices=Charge.choices, default=Charge.CLICK)
    bid = models.DecimalField(max_digits=10, decimal_places=4, validators=[MinValueValidator(0)])
    budget = models.DecimalField(max_digits=12, decimal_places=2, validators=[MinValueValidator(0)])
    daily_budget = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    # Raised in one conditional UPDATE together with the ledger's row, so that it never passes the budget.
    spent = models.DecimalField(max_digits=12, decimal_places=4, default=0, editable=False)
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


class Placement(models.Model):
    """One sponsored product shown to one shopper, with the price its charge would be (second price)."""

    key = models.UUIDField(unique=True, help_text="In the link that the shopper clicks")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="placements")
    product = models.ForeignKey("catalog.Product", on_delete=models.CASCADE, related_name="+")
    shopper = models.ForeignKey("recommend.Shopper", on_delete=models.SET_NULL, null=True, related_name="+")
    surface = models.CharField(max_length=40)
    price = models.DecimalField(max_digits=10, decimal_places=4)
    shown_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["campaign", "shopper", "-shown_at"])]

    def __str__(self) -> str:
        return f"{self.campaign_id} on {self.surface}"


class Charge(models.Model):
    """Money taken from a campaign for one placement. The one-to-one is what makes it exactly once."""

    placement = models.OneToOneField(Placement, on_delete=models.PROTECT, related_name="charge")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="charges")
    amount = models.DecimalField(max_digits=10, decimal_places=4)
    charged_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["campaign", "-charged_at"])]

    def __str__(self) -> str:
        return f"{self.amount} of {self.campaign_id}"
