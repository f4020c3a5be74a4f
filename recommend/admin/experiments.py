"""Experiments: two ways to search, what visitors make of them, and whether that is known yet."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from recommend.analytics import experiments as found
from recommend.analytics.statistics import Interval
from recommend.analytics.verdicts import verdict, verdict_of_mixed
from search.experiments import running
from search.models import Experiment

State, Mode = Experiment.State, Experiment.Mode
WIDTH, HEIGHT, MIDDLE = 480, 44, 16
NAMES = {"a": "A", "b": "B"}


class ExperimentForm(forms.ModelForm):
    class Meta:
        model = Experiment
        fields = ["name", "mode", "metric", "share", "configuration_a", "configuration_b", "note"]

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if "configuration_a" in cleaned and cleaned["configuration_a"] == cleaned.get("configuration_b"):
            self.add_error("configuration_b", "Both arms are the same, so there is nothing to find out.")
        return cleaned


@admin.register(Experiment)
class ExperimentAdmin(ModelAdmin):
    form = ExperimentForm
    list_display = ["name", "state_shown", "mode", "arms", "metric", "share_shown", "started_at", "stopped_at"]
    list_filter = [("state", ChoicesDropdownFilter), ("mode", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["configuration_a", "configuration_b"]
    list_before_template = "recommend/admin/experiments.html"
    search_fields = ["name"]
    change_form_before_template = "recommend/admin/experiment.html"
    actions_detail = ["start", "stop"]
    warn_unsaved_form = True
    fieldsets = [
        (None, {"fields": ["name", ("mode", "metric"), "share"]}),
        (
            "Arms",
            {
                "fields": [("configuration_a", "configuration_b")],
                "description": "Configurations are kept under Relevance, and can be compared on judgments before "
                "visitors meet them. They are copied when the experiment starts.",
            },
        ),
        ("What is expected", {"fields": ["note"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Experiment | None = None) -> list[str]:
        """What was promised before the start holds until the end; what it is called and noted may change."""
        if obj is None or obj.state == State.DRAFT:
            return []
        return ["mode", "metric", "share", "configuration_a", "configuration_b"]

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.state != State.RUNNING)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {name: each for name, each in super().get_actions(request).items() if name != "delete_selected"}

    def has_start_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return _may(request, object_id, State.DRAFT)

    def has_stop_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return _may(request, object_id, State.RUNNING)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        experiment = self.get_object(request, object_id)
        told = _told(experiment) if experiment is not None and self.has_view_permission(request, experiment) else {}
        return super().change_view(request, object_id, form_url, {**told, **(extra_context or {})})

    @action(description="Start", permissions=["start"], icon="play_arrow")
    def start(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._steered(request, object_id, running.start, "It runs. Every process has noticed in five seconds.")

    @action(description="Stop", permissions=["stop"], icon="stop")
    def stop(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._steered(request, object_id, running.stop, "It is over; everybody gets the search as it is.")

    def _steered(self, request: HttpRequest, object_id: str, act: Any, sentence: str) -> HttpResponse:
        experiment = get_object_or_404(Experiment, pk=object_id)
        try:
            act(experiment)
        except running.ExperimentError as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, experiment, sentence)
            messages.success(request, sentence)
        return HttpResponseRedirect(reverse("admin:search_experiment_change", args=[experiment.pk]))

    @display(description="State", label={"Running": "success", "Draft": "info", "Stopped": "default"})
    def state_shown(self, experiment: Experiment) -> str:
        return str(experiment.get_state_display())

    @display(description="A against B")
    def arms(self, experiment: Experiment) -> str:
        return f"{_name(experiment, 'a')} against {_name(experiment, 'b')}"

    @display(description="Visitors")
    def share_shown(self, experiment: Experiment) -> str:
        return f"{experiment.share:.0%}"


def _may(request: HttpRequest, object_id: Any, state: str) -> bool:
    """Whether this person may steer, and what they look at is in the state for it."""
    there = Experiment.objects.filter(pk=object_id, state=state).exists()
    return bool(request.user.has_perm("search.change_experiment")) and there


def _name(experiment: Experiment, arm: str) -> str:
    """Of the configuration: as it was copied, or as it would be."""
    if experiment.state != State.DRAFT:
        copied: dict[str, Any] = getattr(experiment, arm)
        return str(copied.get("name", "as it is"))
    chosen = getattr(experiment, f"configuration_{arm}")
    return str(chosen or "as it is")


def _told(experiment: Experiment) -> dict[str, Any]:
    """What the page says of the results so far."""
    if experiment.state == State.DRAFT:
        return {"draft": True}
    names = {arm: f"{NAMES[arm]} ({_name(experiment, arm)})" for arm in "ab"}
    if experiment.mode == Mode.INTERLEAVE:
        mixed = found.interleaved(experiment)
        interval = mixed.preference.interval
        return {
            "interleaved": mixed,
            "names": names,
            "verdict": verdict_of_mixed(mixed, names),
            "range": interval_plot(interval, "visitors who prefer B, less one half") if interval else "",
        }
    result = found.result(experiment)
    difference = result.difference.interval if result.difference else None
    return {
        "result": result,
        "arms": [(names[arm.name], arm) for arm in (result.a, result.b)],
        "verdict": verdict(result, names),
        "range": interval_plot(difference, "B less A, of the searches") if difference else "",
    }


def interval_plot(interval: Interval, title: str) -> SafeString:
    """The interval on a line with zero in it, as SVG."""
    most = max(abs(interval.low), abs(interval.high), 1e-6) * 1.15

    def x(value: float) -> float:
        return round(20 + (WIDTH - 40) * (value + most) / (2 * most), 1)

    return format_html(
        '<svg class="analytics-range" viewBox="0 0 {w} {h}" role="img" aria-label="{title}: {value}, {low} to {high}">'
        '<line class="zero" x1="{zero}" x2="{zero}" y1="4" y2="28"/>'
        '<line class="span" x1="{x1}" x2="{x2}" y1="{y}" y2="{y}"/><circle class="point" cx="{at}" cy="{y}" r="5"/>'
        '<text x="{x1}" y="40" text-anchor="middle">{low}</text>'
        '<text x="{x2}" y="40" text-anchor="middle">{high}</text>'
        '<text x="{zero}" y="40" text-anchor="middle">0</text></svg>',
        w=WIDTH, h=HEIGHT, y=MIDDLE, title=title, zero=x(0), x1=x(interval.low), x2=x(interval.high),
        at=x(interval.value), value=f"{interval.value:+.1%}", low=f"{interval.low:+.1%}", high=f"{interval.high:+.1%}",
    )  # fmt: skip
