"""Filters by what is told of schedules, which no column holds."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone


class ScheduleFilter(SimpleListFilter):
    """Rows with `enabled`, `starts_at` and `ends_at`, by what that means now."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(each, each.capitalize()) for each in ("running", "upcoming", "expired", "off")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        on = queryset.filter(enabled=True)
        match self.value():
            case "running":
                return on.filter(Q(starts_at=None) | Q(starts_at__lte=now), Q(ends_at=None) | Q(ends_at__gt=now))
            case "upcoming":
                return on.filter(starts_at__gt=now)
            case "expired":
                return on.filter(ends_at__lte=now).exclude(starts_at__gt=now)
            case "off":
                return queryset.filter(enabled=False)
        return queryset


class SuggestionFilter(SimpleListFilter):
    """Suggestions that wait for a decision, unless others are asked for."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("accepted", "Accepted"), ("dismissed", "Dismissed")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        for place, choice in enumerate(super().choices(changelist)):
            yield choice if place else {**choice, "display": "Open"}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value() or "open")


def state_of(row: Any) -> str:
    """One of "off", "upcoming", "running", "expired"."""
    now = timezone.now()
    if not row.enabled:
        return "off"
    if row.starts_at and row.starts_at > now:
        return "upcoming"
    return "running" if row.ends_at is None or row.ends_at > now else "expired"


STATE_LABELS = {"running": "success", "upcoming": "info", "expired": "default", "off": "warning"}
