"""What was learned about the order of hits: fusion weights and rankers, each with its report."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.rows import ShopRow


class RankingVersion(ShopRow):
    """One fitted fusion or ranker. At most one of each kind is live; see `search.ranking.versions`.

    Everything a process needs lies in the row: weights as JSON, a ranker's trees in LightGBM's own text format, which
    holds numbers and nothing that could be executed.
    """

    class Kind(models.TextChoices):
        FUSION = "fusion", "Fusion weights"
        RANKER = "ranker", "Ranker"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    weights = models.JSONField(default=dict, blank=True, help_text="Of a fusion")
    model = models.TextField(blank=True, help_text="Of a ranker: LightGBM's text format")
    features = models.JSONField(default=list, blank=True, help_text="Of a ranker: the names that it was trained with")
    source = models.CharField(max_length=200, help_text="What it was trained on")
    report = models.JSONField(default=dict, help_text="On queries that were held out, beside what was live then")
    better = models.BooleanField(default=False, help_text="Whether the interval of the difference lies above zero")
    note = models.CharField(max_length=300, blank=True, help_text="Why it was published, or why not")
    live = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "shop"], condition=Q(live=True), name="ranking_version_one_live_per_kind"
            ),
            models.CheckConstraint(condition=Q(kind__in=["fusion", "ranker"]), name="ranking_version_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"
