"""Comparisons over many queries: started here, worked off in the background, read with what may be said of them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from unfold.decorators import display

from catalog.admin.reading import ReadOnlyAdmin
from search.admin.relevance import plots
from search.admin.relevance.pages import page
from search.admin.relevance.side_by_side import MEASURES
from search.evaluation import comparing, judged
from search.evaluation.configurations import DEFAULT, UnknownConfigurationError, named, names
from search.evaluation.relevance import HEADLINE
from search.models import ComparisonRun, JudgmentSet, PopularQuery

MOST_ROWS = 300  # of the table; the rest is in the plot
State = ComparisonRun.State


@admin.register(ComparisonRun)
class ComparisonRunAdmin(ReadOnlyAdmin):
    list_display = ["what", "queries", "state_shown", "difference", "changed", "started_by", "created_at"]
    list_select_related = ["set"]
    list_filter = ["state"]
    list_before_template = "search/admin/relevance/runs.html"
    change_form_outer_before_template = "search/admin/relevance/run.html"
    fields = ["set", "judge", "a", "b", "state", "error", "started_by", "created_at", "finished_at"]

    class Media:
        css = {"all": ["search/relevance.css"]}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("search.delete_comparisonrun"))

    @display(description="Comparison", ordering="pk")
    def what(self, run: ComparisonRun) -> str:
        return str(run)

    @display(description="Queries")
    def queries(self, run: ComparisonRun) -> str:
        return str(run.set or "the most popular")

    @display(
        description="State",
        label={"Waiting": "info", "Running": "info", "Done": "success", "Failed": "danger", "Stopped": "warning"},
    )
    def state_shown(self, run: ComparisonRun) -> str:
        text: str = run.get_state_display()
        return text

    @display(description="nDCG@10")
    def difference(self, run: ComparisonRun) -> str:
        told = run.summary.get("measures", {}).get(HEADLINE)
        return f"{told['difference']:+.4f} ({told['verdict']})" if told else "–"

    @display(description="Top 10 that changes")
    def changed(self, run: ComparisonRun) -> str:
        return f"{run.summary['changed']:.0%}" if "changed" in run.summary else "–"

    def get_urls(self) -> list[URLPattern]:
        own: list[tuple[str, Callable[..., HttpResponse], str]] = [
            ("start/", require_http_methods(["GET", "HEAD", "POST"])(self.start_view), "start"),
            ("<int:run_id>/progress/", require_safe(self.progress_view), "progress"),
            ("<int:run_id>/stop/", require_POST(self.stop_view), "stop"),
        ]
        wrap: Callable[..., Any] = self.admin_site.admin_view
        return [
            path(at, wrap(view), name=f"search_comparisonrun_{name}") for at, view, name in own
        ] + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {"may_run": may_run(request), "any": ComparisonRun.objects.exists()}
        return super().changelist_view(request, (extra_context or {}) | extra)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        extra = dict(extra_context or {})
        if run is not None and self.has_view_permission(request, run):
            extra |= {"run": run, "may_run": may_run(request), **_told(run)}
        return super().change_view(request, object_id, form_url, extra)

    # Views of this page's buttons

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Choose two configurations and the queries (GET), and start (POST)."""
        if not may_run(request):
            raise PermissionDenied
        given = request.POST or request.GET
        first = JudgmentSet.objects.values_list("name", flat=True).first() or ""
        chosen = {
            "a": given.get("a", DEFAULT)[:2000],
            "b": given.get("b", "lexical")[:2000],
            "set": given.get("set", first)[:60],  # empty: the most popular queries
            "judge": given.get("judge", "")[:150],
        }
        if request.method == "POST":
            started = self._start(request, chosen)
            if started is not None:
                return HttpResponseRedirect(reverse("admin:search_comparisonrun_change", args=[started.pk]))
        return page(
            self,
            request,
            "start.html",
            "Compare two configurations",
            chosen=chosen,
            configurations=list(dict.fromkeys([*names(), chosen["a"], chosen["b"]])),
            sets=JudgmentSet.objects.all(),
            popular=PopularQuery.objects.filter(hidden=False).count(),
            most=comparing.MOST_POPULAR,
            judges=sorted({judge for each in JudgmentSet.objects.all() for judge in judged.judges(each)}),
        )

    def _start(self, request: HttpRequest, chosen: dict[str, str]) -> ComparisonRun | None:
        over = JudgmentSet.objects.filter(name=chosen["set"]).first() if chosen["set"] else None
        try:
            before, after = named(chosen["a"]), named(chosen["b"])
        except UnknownConfigurationError as error:
            messages.error(request, str(error))
            return None
        if chosen["set"] and over is None:
            messages.error(request, "There is no such set of judgments.")
        elif over is None and not PopularQuery.objects.filter(hidden=False).exists():
            messages.error(request, "No query is popular yet: choose a set, or wait until visitors have searched.")
        elif over is not None and not over.queries.exists():
            messages.error(request, f"{over} has no queries yet.")
        elif before.as_json() == after.as_json():
            messages.error(request, "Both sides are the same configuration; nothing could differ.")
        else:
            judge = chosen["judge"] if over else ""
            return comparing.ask_for(before, after, over, judge=judge, by=request.user.get_username())
        return None

    def progress_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        run = self.get_object(request, str(run_id))
        if run is None:
            raise Http404("There is no such comparison.")
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        return render(request, "search/admin/relevance/progress.html", {"run": run, "may_run": may_run(request)})

    def stop_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        run = self.get_object(request, str(run_id))
        if run is None:
            raise Http404("There is no such comparison.")
        if not may_run(request):
            raise PermissionDenied
        stopped = comparing.stop(run)
        messages.success(request, "It stops at its next query." if stopped else "It has ended already.")
        return HttpResponseRedirect(reverse("admin:search_comparisonrun_change", args=[run.pk]))


def may_run(request: HttpRequest) -> bool:
    """Whether this person may start and stop comparisons."""
    return bool(request.user.has_perm("search.add_comparisonrun"))


def _told(run: ComparisonRun) -> dict[str, Any]:
    """What the page shows of a run that is done: figures, plots and the queries with their differences."""
    if run.state != State.DONE:
        return {}
    measures = run.summary.get("measures", {})
    known = [row for row in run.per_query if "a" in row]
    rows = [
        {
            **row,
            "difference": row["b"][HEADLINE] - row["a"][HEADLINE] if "a" in row else None,
            "ndcg": (row["a"][HEADLINE], row["b"][HEADLINE]) if "a" in row else None,
            "changed_percent": round(100 * row["changed"]),
            "reordered_percent": round(100 * row["reordered"]),
        }
        for row in run.per_query[:MOST_ROWS]
    ]
    return {
        "figures": [{"label": MEASURES[name], **each} for name, each in measures.items()],
        "headline": measures.get(HEADLINE),
        "forest": plots.intervals(measures, MEASURES, "Difference of the means with its 95 % interval"),
        "bars": plots.differences(
            [(row["query"], row["b"][HEADLINE] - row["a"][HEADLINE]) for row in known], "nDCG@10, B minus A, by query"
        ),
        "histogram": plots.histogram(
            [row["changed"] for row in run.per_query], "Products among the first ten that are others, by query"
        ),
        "rows": rows,
        "left_out": max(len(run.per_query) - MOST_ROWS, 0),
        "changed_percent": round(100 * run.summary["changed"]),
        "reordered_percent": round(100 * run.summary["reordered"]),
    }
