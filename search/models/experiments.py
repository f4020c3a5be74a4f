"""Comparisons of two ways to search, made with visitors."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.rows import ShopRow
from search.models.comparisons import SearchConfiguration


class Experiment(ShopRow):
    """Two configurations of the search, between which visitors are divided or whose results are interleaved.

    One runs at a time, so that what differs between its arms is its own doing. What the configurations say is copied
    when it starts (`a`, `b`), so that changing them later changes nothing of it. No configuration is the search as it
    is.
    """

    class Mode(models.TextChoices):
        SPLIT = "split", "A/B: each visitor sees one arm"
        INTERLEAVE = "interleave", "Interleaved: everybody sees a mix of both"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        RUNNING = "running", "Running"
        STOPPED = "stopped", "Stopped"

    class Metric(models.TextChoices):
        CLICK = "click", "Searches with a click"
        CART = "cart", "Searches with an addition to the cart"
        PURCHASE = "purchase", "Searches with a purchase"

    name = models.CharField(max_length=120)
    note = models.TextField(blank=True, help_text="What is expected, written down before it starts")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.SPLIT)
    configuration_a = models.ForeignKey(
        SearchConfiguration, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="arm A",
        help_text="Empty: the search as it is.",
    )  # fmt: skip
    configuration_b = models.ForeignKey(
        SearchConfiguration, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="arm B",
        help_text="What is to be tried.",
    )  # fmt: skip
    a = models.JSONField(default=dict, blank=True, editable=False, help_text='{"name", "mode", "overrides"}')
    b = models.JSONField(default=dict, blank=True, editable=False, help_text="The same of the other arm")
    share = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Of the visitors who take part, 0 to 1; the others see the search as it is",
    )
    metric = models.CharField(max_length=10, choices=Metric.choices, default=Metric.CLICK)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT, editable=False)
    # What visitors are divided by: two experiments divide them differently.
    salt = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    stopped_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["name", "shop"], name="experiment_name_once"),
            models.UniqueConstraint(
                fields=["state", "shop"], condition=Q(state="running"), name="experiment_one_running"
            ),
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=1), name="experiment_share_is_a_share"),
            models.CheckConstraint(condition=Q(mode__in=["split", "interleave"]), name="experiment_mode_known"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "running", "stopped"]), name="experiment_state_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name
