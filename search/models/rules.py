"""Merchandising rules: when they hold, and what they do to the hits. `search.merchandising` applies them."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from catalog.models import Brand, Category, Product, Tag
from catalog.models.rows import ShopHistory, ShopRow
from search.models.revision import bumps

RULES = "rules"  # the revision's name
LAST_POSITION = 48
LEAST_FACTOR, MOST_FACTOR = 1.1, 10.0


class Rule(ShopRow):
    """Conditions, all of which must hold, and a redirect; what else it does are its actions."""

    class Match(models.TextChoices):
        ANY = "any", "Any query, or none"
        EXACT = "exact", "The query is exactly"
        CONTAINS = "contains", "The query contains the words"
        STARTS = "starts", "The query starts with"
        NONE = "none", "No query: a category is browsed"

    name = models.CharField(max_length=160)
    note = models.CharField(max_length=500, blank=True, help_text="Why it is there, for colleagues.")
    enabled = models.BooleanField(default=True)
    priority = models.SmallIntegerField(
        default=0,
        validators=[MinValueValidator(-1000), MaxValueValidator(1000)],
        help_text="Where rules contradict each other, the higher one wins.",
    )
    match = models.CharField("query", max_length=8, choices=Match.choices, default=Match.CONTAINS)
    queries = models.TextField(
        "words", max_length=2000, blank=True,
        help_text="One query a line; any of them will do. Case, accents and endings do not matter.",
    )  # fmt: skip
    category = models.ForeignKey(
        Category, on_delete=models.CASCADE, null=True, blank=True, related_name="+",
        help_text="Only within this category and all below it.",
    )  # fmt: skip
    segment = models.CharField("shoppers", max_length=40, blank=True)
    starts_at = models.DateTimeField("from", null=True, blank=True, help_text="Empty: at once.")
    ends_at = models.DateTimeField("until", null=True, blank=True, help_text="Empty: for good.")
    redirect_to = models.CharField(
        "redirect to", max_length=500, blank=True,
        help_text="A path of the shop such as /c/garden, or an address that begins with https://.",
    )  # fmt: skip
    # The actions in words: what the list shows and the history compares (it leaves out what is not editable).
    told = models.TextField("actions", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    history = ShopHistory(excluded_fields=["created_at"])

    class Meta:
        ordering = ["-priority", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(match__in=["any", "exact", "contains", "starts", "none"]), name="rule_match_known"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(starts_at=None) | Q(ends_at__gt=F("starts_at")),
                name="rule_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RuleAction(ShopRow):
    """One thing that a rule does, to one product or to all of a brand, category, tag or attribute value."""

    class Kind(models.TextChoices):
        PIN = "pin", "Pin"
        BOOST = "boost", "Boost"
        BURY = "bury", "Bury"
        HIDE = "hide", "Hide"

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="actions")
    kind = models.CharField("do", max_length=5, choices=Kind.choices, default=Kind.PIN)
    position = models.PositiveSmallIntegerField(
        null=True, blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LAST_POSITION)],
        help_text="Of a pin: 1 is the first.",
    )  # fmt: skip
    factor = models.FloatField(
        null=True, blank=True,
        validators=[MinValueValidator(LEAST_FACTOR), MaxValueValidator(MOST_FACTOR)],
        help_text=f"Of a boost the score is multiplied by it, of a bury divided: {LEAST_FACTOR} to {MOST_FACTOR:.0f}.",
    )  # fmt: skip
    product = models.ForeignKey(Product, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    category = models.ForeignKey(Category, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    attribute = models.CharField(max_length=100, blank=True, help_text="The attribute's name, as in colour.")
    value = models.CharField(max_length=100, blank=True, help_text="The attribute's value, as in red.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["pin", "boost", "bury", "hide"]), name="rule_action_known"),
            models.CheckConstraint(
                condition=~Q(kind="pin") | Q(product__isnull=False, position__isnull=False),
                name="rule_action_pin_complete",
            ),
        ]

    def __str__(self) -> str:
        what = self.target()
        match self.kind:
            case self.Kind.PIN:
                return f"pin {what} at {self.position}"
            case self.Kind.BOOST | self.Kind.BURY:
                return f"{self.kind} {what} by {self.factor:g}" if self.factor else f"{self.kind} {what}"
        return f"hide {what}"

    def target(self) -> str:
        """What it is done to, in words."""
        for name in ("product", "brand", "category", "tag"):
            if getattr(self, f"{name}_id") is not None:
                row = getattr(self, name)
                return f"{row.title[:60]} ({row.sku})" if name == "product" else f"{name} {row}"
        return f"{self.attribute}: {self.value}"


bumps(RULES, Rule, RuleAction)
