"""Ways to search that are kept under a name, and runs that hold two of them against each other."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.rows import ShopRow
from search.models.judgments import JudgmentSet


def check_overrides(value: Any) -> None:
    """Raises ValidationError for what is no configuration of a search."""
    from search.query.configuration import configuration_of  # the search imports these tables

    try:
        configuration_of(value)
    except ValueError as error:
        raise ValidationError(str(error)) from error


class SearchConfiguration(ShopRow):
    """A draft of how the search could rank: overrides of `search.query.configuration.Configuration` under a name."""

    class Mode(models.TextChoices):
        HYBRID = "hybrid", "Hybrid"
        LEXICAL = "lexical", "Words alone"
        SEMANTIC = "semantic", "Meaning alone"

    name = models.SlugField(max_length=60, db_index=False, help_text="Letters, digits, - and _: more-words")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.HYBRID)
    overrides = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_overrides],
        help_text='What differs from the search as it is: {"fusion": {"terms": 1.5}, "synonyms": false}',
    )
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name", "shop"], name="search_configuration_name_once"),
            models.CheckConstraint(
                condition=Q(mode__in=["hybrid", "lexical", "semantic"]), name="search_configuration_mode_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.name in self.Mode.values:
            raise ValidationError({"name": f"{self.name} is the name of a mode already."})


class ComparisonRun(ShopRow):
    """Two configurations over many queries: those of a set, with its judgments, or the most popular ones without any.

    It holds copies of both configurations, so that what it found stays true when they are changed.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped"

    set = models.ForeignKey(JudgmentSet, on_delete=models.CASCADE, null=True, blank=True, related_name="runs")
    judge = models.CharField(max_length=150, blank=True, help_text="Empty: the median of all judges")
    a = models.JSONField("A", help_text="name, mode and overrides")
    b = models.JSONField("B", help_text="name, mode and overrides")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    done = models.PositiveIntegerField(default=0, help_text="Queries asked so far")
    total = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    summary = models.JSONField(default=dict, blank=True)
    per_query = models.JSONField(default=list, blank=True)
    started_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    # Until then the run is the worker's that took it; after that, another may take it.
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "done", "failed", "stopped"]),
                name="comparison_run_state_known",
            )
        ]

    def __str__(self) -> str:
        return f"{_name(self.b)} against {_name(self.a)}"


def _name(configuration: Any) -> str:
    return str(configuration.get("name", "?")) if isinstance(configuration, Mapping) else "?"
