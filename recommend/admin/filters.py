"""Filters of the lists of campaigns."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from recommend.models import Campaign

State = Campaign.State


class CampaignStateFilter(DropdownFilter):
    """As `Campaign.state` says it, asked of the database."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Iterable[tuple[str, str]]:
        return State.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        on, over = Q(active=True), Q(ends_at__lte=now)
        spent = Q(spent__gte=F("budget"))
        rested = Q(spending_day=timezone.localdate(now), spent_on_day__gte=F("daily_budget"))
        begun = on & ~over & ~spent & Q(starts_at__lte=now)
        conditions = {
            State.OFF: ~on,
            State.ENDED: on & over,
            State.EXHAUSTED: on & ~over & spent,
            State.UPCOMING: on & ~over & ~spent & Q(starts_at__gt=now),
            State.RESTING: begun & rested,
            # Not `~rested`: of a campaign without a daily budget the database knows neither.
            State.RUNNING: begun & ~Q(pk__in=queryset.model.objects.filter(rested).values("pk")),
        }
        chosen = self.value()
        return queryset.filter(conditions[State(chosen)]) if chosen in State.values else queryset
