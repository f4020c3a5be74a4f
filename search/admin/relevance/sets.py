"""Sets of judged queries: what is in them, who judged, how far judges agree; queries and judgments in and out."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display

from search.admin.relevance.judging import judge_view
from search.admin.relevance.side_by_side import side_by_side_view
from search.evaluation import judged as combined
from search.evaluation import transfer
from search.evaluation.relevance import JudgmentsError
from search.models import JudgmentSet, PopularQuery

MOST_BYTES = 20 * 1024 * 1024
MOST_POPULAR = 100


@admin.register(JudgmentSet)
class JudgmentSetAdmin(ModelAdmin):
    list_display = ["name", "query_count", "judgment_count", "judge_count", "created_at"]
    list_before_template = "search/admin/relevance/sets.html"
    change_form_outer_before_template = "search/admin/relevance/set.html"
    fields = ["name", "note"]
    search_fields = ["name", "note"]

    class Media:
        css = {"all": ["search/relevance.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[JudgmentSet]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                query_total=Count("queries", distinct=True),
                judgment_total=Count("queries__judgments", distinct=True),
                judge_total=Count("queries__judgments__judge", distinct=True),
            )
        )

    @display(description="Queries", ordering="query_total")
    def query_count(self, judged: Any) -> str:
        return f"{judged.query_total:,}"

    @display(description="Judgments", ordering="judgment_total")
    def judgment_count(self, judged: Any) -> str:
        return f"{judged.judgment_total:,}"

    @display(description="Judges", ordering="judge_total")
    def judge_count(self, judged: Any) -> str:
        return f"{judged.judge_total:,}"

    def get_urls(self) -> list[URLPattern]:
        judge = require_http_methods(["GET", "HEAD", "POST"])(self._judge)
        own: list[tuple[str, Callable[..., Any], str]] = [
            ("<int:set_id>/judge/", require_safe(self._judge), "judge"),
            ("<int:set_id>/judge/<int:query_id>/", judge, "judge_query"),
            ("<int:set_id>/queries/", require_POST(self.queries_view), "queries"),
            ("<int:set_id>/import/", require_POST(self.import_view), "import"),
            ("<int:set_id>/export/", require_safe(self.export_view), "export"),
            ("side-by-side/", require_safe(self._side_by_side), "side_by_side"),
        ]
        wrap: Callable[..., Any] = self.admin_site.admin_view
        return [path(at, wrap(view), name=f"search_judgmentset_{name}") for at, view, name in own] + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        judged = self.get_object(request, object_id)
        extra = dict(extra_context or {})
        if judged is not None and self.has_view_permission(request, judged):
            rows = judged.queries.annotate(number=Count("judgments"), people=Count("judgments__judge", distinct=True))
            extra |= {
                "judged": judged,
                "judged_queries": rows,
                "agreement": combined.agreement(judged),
                "judges": combined.judges(judged),
                "may_judge": request.user.has_perm("search.add_judgment"),
                "may_change": self.has_change_permission(request, judged),
                "popular": PopularQuery.objects.filter(hidden=False).exists(),
                "runs": judged.runs.all()[:5],
            }
        return super().change_view(request, object_id, form_url, extra)

    # Views of this page's buttons

    def _judge(self, request: HttpRequest, set_id: int, query_id: int | None = None) -> HttpResponse:
        return judge_view(self, request, set_id, query_id)

    def _side_by_side(self, request: HttpRequest) -> HttpResponse:
        return side_by_side_view(self, request)

    def queries_view(self, request: HttpRequest, set_id: int) -> HttpResponse:
        """Add queries that were typed, one a line, or the most popular ones."""
        judged = self._changeable(request, set_id)
        texts = request.POST.get("queries", "").splitlines()
        if "popular" in request.POST:
            popular = PopularQuery.objects.filter(hidden=False).order_by("-visitors", "-count")
            texts = list(popular.values_list("query", flat=True)[:MOST_POPULAR])
        try:
            count = transfer.add_queries(judged, texts)
        except JudgmentsError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{count} {'query' if count == 1 else 'queries'} added.")
        return self._back(judged)

    def import_view(self, request: HttpRequest, set_id: int) -> HttpResponse:
        judged = self._changeable(request, set_id)
        if not request.user.has_perm("search.add_judgment"):
            raise PermissionDenied
        own = request.user.get_username()
        judge = request.POST.get("judge", "").strip()[:150] or own
        file = request.FILES.get("file")
        if file is None or (file.size or 0) > MOST_BYTES:
            messages.error(request, f"Choose a CSV file of at most {MOST_BYTES // 2**20} MB.")
        elif judge != own and get_user_model().objects.filter(username=judge).exists():
            messages.error(request, f"{judge} judges here in person; give what you import another name.")
        else:
            try:
                done = transfer.import_csv(judged, file.read(), judge, name=(file.name or "the file")[:80])
            except JudgmentsError as error:
                messages.error(request, str(error))
            else:
                messages.success(
                    request, f"{done.judgments:,} judgments by {judge} imported, {done.queries:,} queries are new."
                )
        return self._back(judged)

    def export_view(self, request: HttpRequest, set_id: int) -> StreamingHttpResponse:
        judged = self.get_object(request, str(set_id))
        if judged is None:
            raise Http404("There is no such set.")
        if not self.has_view_permission(request, judged):
            raise PermissionDenied
        return StreamingHttpResponse(
            transfer.csv_of(judged),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{judged.name}.csv"'},
        )

    def _changeable(self, request: HttpRequest, set_id: int) -> JudgmentSet:
        judged = self.get_object(request, str(set_id))
        if judged is None:
            raise Http404("There is no such set.")
        if not self.has_change_permission(request, judged):
            raise PermissionDenied
        found: JudgmentSet = judged
        return found

    def _back(self, judged: JudgmentSet) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:search_judgmentset_change", args=[judged.pk]))
