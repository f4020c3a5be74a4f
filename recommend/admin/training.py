"""Trained models: which is live, how each did, what it was trained on; training, publishing, going back."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe
from unfold.decorators import action, display

from catalog.admin.reading import ReadOnlyAdmin
from recommend.admin.plots import Line, plot
from recommend.models import ModelVersion, TrainingRun
from recommend.training import queue, versions
from search.index.errors import VectorStoreError

MOST_IN_PLOT = 30
FIGURES = {
    "ndcg@10": "NDCG@10",
    "ndcg@10_interval": "its 95 % interval",
    "hr@10": "Hit rate@10",
    "hr@10_new_shoppers": "of new shoppers",
    "hr@10_known_shoppers": "of known shoppers",
    "hr@10_cold_products": "of products nobody had taken",
    "mrr": "MRR",
    "coverage@10": "Coverage@10",
    "diversity": "Diversity within a list",
    "novelty": "Novelty, bits",
    "gini_items": "Inequality of exposure (Gini): products",
    "gini_brands": "brands",
    "gini_stores": "stores",
    "miscalibration": "Distance from the shopper's own mix",
    "questions": "Held-out events",
}
CLEANING = {
    "events": "Events in the log",
    "bots": "by programs",
    "double_clicks": "double clicks",
    "refreshes": "refreshes",
    "self_loops": "the same product again",
    "taken_out": "put into the cart and taken out",
    "rejected": "hidden or not wanted",
    "products_gone": "on deleted products",
    "kept": "Learned from",
    "shoppers": "of shoppers",
    "products": "Products described",
}


class Steered(ReadOnlyAdmin):
    """Rows that training writes; people look, and say what happens next."""

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return may_steer(request)


def may_steer(request: HttpRequest) -> bool:
    """Whether this person may train, publish and go back."""
    return bool(request.user.has_perm("recommend.change_modelversion"))


@admin.register(ModelVersion)
class ModelVersionAdmin(Steered):
    list_display = ["version", "state", "ndcg", "hit_rate", "coverage", "note", "created_at", "published_at"]
    list_fullwidth = True
    list_before_template = "recommend/admin/live.html"
    change_form_before_template = "recommend/admin/version.html"
    fields = ["name", "seed", "config", "note", "trained_until", "created_at", "published_at"]
    actions = ["go_back", "publish"]

    @display(description="Version", ordering="pk")
    def version(self, version: ModelVersion) -> str:
        return str(version)

    @display(
        description="State",
        label={"live": "success", "kept": "info", "kept back": "warning", "retired": "default"},
    )
    def state(self, version: ModelVersion) -> str:
        if version.live:
            return "live"
        if not versions.has_files(version):
            return "retired"
        return "kept" if version.published_at else "kept back"

    @display(description="NDCG@10")
    def ndcg(self, version: ModelVersion) -> str:
        return _figure(version, "ndcg@10")

    @display(description="Hit rate@10")
    def hit_rate(self, version: ModelVersion) -> str:
        return _figure(version, "hr@10")

    @display(description="Coverage@10")
    def coverage(self, version: ModelVersion) -> str:
        return _figure(version, "coverage@10")

    @action(description="Go back to this version", permissions=["steer"], icon="undo")
    def go_back(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        if version := self._one(request, queryset):
            _go_back_to(request, version)

    @action(description="Publish although it was kept back", permissions=["steer"], icon="publish")
    def publish(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> None:
        version = self._one(request, queryset)
        if version is None:
            return
        if version.live or not versions.has_files(version):
            messages.error(request, f"Version {version.pk} is live already, or its files are gone.")
            return
        queue.ask_for(queue.PUBLISH, version=version)
        messages.success(
            request, f"Version {version.pk} goes live as soon as its item vectors are in the vector store."
        )

    def _one(self, request: HttpRequest, queryset: QuerySet[ModelVersion]) -> ModelVersion | None:
        chosen = list(queryset[:2])
        if len(chosen) == 1:
            return chosen[0]
        messages.error(request, "Choose exactly one version.")
        return None

    def get_urls(self) -> list[URLPattern]:
        own = [
            ("progress/", require_safe(self.progress_view), "progress"),
            ("train/", require_POST(self.train_view), "train"),
            ("stop/", require_POST(self.stop_view), "stop"),
            ("roll-back/", require_POST(self.roll_back_view), "roll_back"),
        ]
        wrap: Callable[..., Any] = self.admin_site.admin_view
        return [
            path(at, wrap(view), name=f"recommend_modelversion_{name}") for at, view, name in own
        ] + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        live = ModelVersion.objects.filter(live=True).first()
        extra: dict[str, Any] = {"may_steer": may_steer(request), "live": live, **_running()}
        if live is not None:
            before = versions.before(live)
            extra |= {**_told(live), "before": before, "history": _history()}
        return super().changelist_view(request, (extra_context or {}) | extra)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        extra = extra_context or {}
        if version is not None and self.has_view_permission(request, version):
            runs = [_curve(run) for run in version.runs.exclude(kind=queue.PUBLISH)[:1]]
            extra |= {**_told(version), "curves": runs}
        return super().change_view(request, object_id, form_url, extra)

    # Views of this page's buttons

    def progress_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return render(request, "recommend/admin/progress.html", {"may_steer": may_steer(request), **_running()})

    def train_view(self, request: HttpRequest) -> HttpResponse:
        _must_steer(request)
        kind = request.POST.get("kind")
        if kind not in (queue.FULL, queue.INCREMENTAL):
            messages.error(request, "Choose a training from scratch or an update.")
        else:
            queue.ask_for(kind)
            messages.success(request, "The training begins as soon as a worker is free.")
        return _to_list()

    def stop_view(self, request: HttpRequest) -> HttpResponse:
        _must_steer(request)
        number = request.POST.get("run", "")
        run = get_object_or_404(TrainingRun, pk=int(number) if number.isdecimal() and len(number) < 18 else 0)
        stopped = queue.stop(run)
        messages.success(request, f"Training {run.pk} stops at its next step." if stopped else "It has ended already.")
        return _to_list()

    def roll_back_view(self, request: HttpRequest) -> HttpResponse:
        _must_steer(request)
        live = ModelVersion.objects.filter(live=True).first()
        before = versions.before(live) if live else None
        if before is None:
            messages.error(request, "There is no earlier version to go back to.")
        else:
            _go_back_to(request, before)
        return _to_list()


@admin.register(TrainingRun)
class TrainingRunAdmin(Steered):
    list_display = ["run", "state_shown", "kind", "how_far", "version", "error_shown", "created_at", "finished_at"]
    list_select_related = ["version"]
    list_filter = ["state", "kind"]
    list_fullwidth = True
    fields = ["state", "kind", "seed", "version", "error", "created_at", "finished_at", "lease_until"]
    change_form_before_template = "recommend/admin/run.html"
    actions = ["stop"]

    @display(description="Training", ordering="pk")
    def run(self, run: TrainingRun) -> str:
        return f"Training {run.pk}"

    @display(
        description="State",
        label={
            "Waiting": "info", "Running": "info", "Published": "success", "Kept back": "warning", "Failed": "danger"
        },
    )  # fmt: skip
    def state_shown(self, run: TrainingRun) -> str:
        return run.get_state_display()

    @display(description="Stage")
    def how_far(self, run: TrainingRun) -> str:
        progress = run.progress
        return f"{progress['stage']} {progress['step']}/{progress['steps']}" if "stage" in progress else "–"

    @display(description="Error")
    def error_shown(self, run: TrainingRun) -> str:
        return run.error[:300] or "–"

    @action(description="Stop", permissions=["steer"], icon="stop_circle")
    def stop(self, request: HttpRequest, queryset: QuerySet[TrainingRun]) -> None:
        count = sum(map(queue.stop, queryset))
        messages.success(request, f"{count} {'training stops' if count == 1 else 'trainings stop'} at the next step.")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        extra = extra_context or {}
        if run is not None and self.has_view_permission(request, run):
            extra |= {"curve": _curve(run)}
        return super().change_view(request, object_id, form_url, extra)


def _must_steer(request: HttpRequest) -> None:
    if not may_steer(request):
        raise PermissionDenied


def _to_list() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:recommend_modelversion_changelist"))


def _go_back_to(request: HttpRequest, version: ModelVersion) -> None:
    try:
        versions.go_back_to(version)
    except (versions.VersionError, VectorStoreError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Version {version.pk} is live again.")


def _figure(version: ModelVersion, name: str) -> str:
    value = (version.metrics.get("new") or {}).get(name)
    return "–" if value is None else f"{value:.4f}"


def _told(version: ModelVersion) -> dict[str, Any]:
    """What the page tells of a version: its figures beside those of the one that it was compared with, the cleaning."""
    new, old = (version.metrics.get(name) or {} for name in ("new", "live"))
    figures = [
        {"label": label, "new": _shown(new.get(name)), "old": _shown(old.get(name))}
        for name, label in FIGURES.items()
        if name in new
    ]
    total = version.cleaning.get("events") or 0
    cleaning = [
        {
            "label": label,
            "count": version.cleaning[name],
            "percent": 100 * version.cleaning[name] / total if total and name not in ("shoppers", "products") else None,
        }
        for name, label in CLEANING.items()
        if name in version.cleaning
    ]
    return {"figures": figures, "compared_with": version.metrics.get("live_version"), "cleaning": cleaning}


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " – ".join(map(_shown, value))
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _history() -> SafeString:
    """NDCG of the newest versions, each beside the one that was live when it was made, on the same events."""
    rows = list(ModelVersion.objects.order_by("-pk")[:MOST_IN_PLOT])[::-1]
    lines = [
        Line(name, kind, [(row.metrics.get(part) or {}).get("ndcg@10") for row in rows])
        for name, kind, part in (("trained then", "new", "new"), ("live then, on the same events", "live", "live"))
    ]
    return plot(lines, [f"version {row.pk}" for row in rows], "NDCG@10 on held-out events, by version")


def _curve(run: TrainingRun) -> SafeString:
    points = run.progress.get("curve", [])
    lines = [
        Line(label, kind, [point.get(name) for point in points])
        for label, kind, name in (
            ("loss, as a share of the first", "loss", "loss"),
            ("NDCG@10, held out", "new", "held out"),
        )
    ]
    first = next((value for value in lines[0].values if value), None)
    if first:
        shares = [None if value is None else value / first for value in lines[0].values]
        lines[0] = Line(lines[0].name, lines[0].kind, shares)
    labels = [f"{point.get('stage', '')} {point.get('step', '')}" for point in points]
    return plot(lines, labels, f"Training {run.pk}, by step")


def _running() -> dict[str, Any]:
    run = TrainingRun.objects.active().order_by("-state", "pk").first()
    if run is None:
        return {"run": None}
    progress = run.progress
    steps = progress.get("steps") or 0
    return {
        "run": run,
        "progress": progress,
        "percent": round(100 * progress.get("step", 0) / steps) if steps else 0,
        "curve": _curve(run),
    }
