"""Trained models and the runs that made them."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.rows import ShopManager, ShopQuerySet, ShopRow


class ModelVersion(ShopRow):  # type: ignore[django-manager-missing]
    """A trained recommender: its files, what it was trained on, how it did on held-out data. One of them is live."""

    class Points(models.TextChoices):
        NONE = "none", "None"  # not filled yet, retired, or a model without vectors
        FILLING = "filling", "Filling"  # takes every write beside the live one
        LEVEL = "level", "Level"
        BEHIND = "behind", "Behind"  # kept to go back to; brought level then

    name = models.CharField(max_length=40, help_text="As in recommend.models.registry")
    path = models.CharField(max_length=300, help_text="Folder below MODELS_DIR")
    seed = models.BigIntegerField(default=0)
    config = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict, help_text="On held-out data, with the live model's beside them")
    cleaning = models.JSONField(default=dict, help_text="What was removed from the events before training")
    note = models.CharField(max_length=300, blank=True, help_text="Why it was published, or why not")
    live = models.BooleanField(default=False)
    points = models.CharField(max_length=8, choices=Points.choices, default=Points.NONE, help_text="Its item vectors")
    trained_until = models.DateTimeField(null=True, blank=True, help_text="Time of the newest event that it learned")
    # Until the last update, what was measured had not learned the held-out events.
    measured_until = models.DateTimeField(null=True, blank=True, help_text="The same, of the state that was measured")
    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["live", "shop"], condition=Q(live=True), name="model_version_one_live"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.pk}"


class TrainingRuns(ShopQuerySet):
    def active(self) -> "TrainingRuns":
        """Waiting or running."""
        return self.filter(state__in=(TrainingRun.State.WAITING, TrainingRun.State.RUNNING))


class TrainingRun(ShopRow):
    """One training in a worker: how far it is, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        PUBLISHED = "published", "Published"
        KEPT_BACK = "kept back", "Kept back"  # trained, and not better than the live one
        FAILED = "failed", "Failed"

    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    kind = models.CharField(max_length=12, default="full", help_text="full, incremental, or publish")
    seed = models.BigIntegerField(default=0)
    progress = models.JSONField(default=dict, help_text="Stage, epoch, of how many, loss, held-out figure")
    error = models.TextField(blank=True)
    version = models.ForeignKey(ModelVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="A run whose lease ended is taken up again")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ShopManager.from_queryset(TrainingRuns)()  # type: ignore[django-manager-missing, misc]

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"training {self.pk} ({self.state})"
