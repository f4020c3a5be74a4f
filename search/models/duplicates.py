"""Products that may be one and the same, what speaks for it, and what people decided."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from catalog.models import Product
from catalog.models.rows import ShopRow


class DuplicateCheck(ShopRow):
    """What a product was like when it was last compared. It is compared again when its version is another one."""

    product = models.OneToOneField(Product, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField()
    content = models.CharField(max_length=64, help_text="SHA-256 of what is compared")
    checked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"product {self.product_id}, version {self.version}"


class DuplicatePair(ShopRow):
    """Two products that look like one. A decision is kept: the pair does not come back."""

    class State(models.TextChoices):
        OPEN = "open", "To be decided"
        SAME = "same", "Same product"
        DIFFERENT = "different", "Not a duplicate"

    first = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")  # the one with the lower id
    second = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField(help_text="How alike they are, 0 to 1")
    reasons = models.JSONField(default=list, help_text='["picture", "title", "code"]')
    colour = models.FloatField(null=True, help_text="Correlation of the pictures where they fit best")
    detail = models.FloatField(null=True, help_text="The same of their details alone")
    title = models.FloatField(help_text="Share of words that both titles have")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    outcome = models.CharField(max_length=200, blank=True, help_text="What the decision changed")
    found_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "possible duplicate"
        ordering = ["-score", "id"]
        indexes = [models.Index(fields=["state", "-score"], name="duplicate_pair_to_decide")]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_pair_in_order"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "same", "different"]), name="duplicate_pair_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"products {self.first_id} and {self.second_id}"
