"""What was searched for: the report with plots and tables, the log row by row, and popular queries."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from catalog.admin.reading import ReadOnlyAdmin
from recommend.admin.events import RecencyFilter
from recommend.admin.report import report
from recommend.analytics.export import TABLES, csv_of
from recommend.analytics.period import period_of, today_of_searches
from search.log.popular import MOST_ZERO
from search.models import LoggedSearch, PopularQuery


def may_see_report(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("search.view_popularquery"))


@admin.register(LoggedSearch)
class LoggedSearchAdmin(ReadOnlyAdmin):
    list_display = ["happened_at", "query_shown", "total", "page", "mode", "language", "surface", "device", "took"]
    list_display_links = ["happened_at"]
    list_filter = [
        RecencyFilter,
        ("happened_at", RangeDateTimeFilter),
        "narrowed",
        "picture",
        "consent",
    ]
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 100
    ordering = ["-happened_at", "-pk"]
    search_fields = ["normalised"]
    search_help_text = "How a query begins"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Only what an index finds: the log is too long to be read through."""
        term = " ".join(search_term.lower().split())
        return (queryset.filter(normalised__startswith=term) if term else queryset), False

    @display(description="Query", ordering="normalised")
    def query_shown(self, search: LoggedSearch) -> str:
        return search.query or ("a picture" if search.picture else "–")

    @display(description="Took", ordering="took_ms")
    def took(self, search: LoggedSearch) -> str:
        return f"{search.took_ms:.0f} ms"

    def get_urls(self) -> list[URLPattern]:
        wrap: Callable[..., Any] = self.admin_site.admin_view
        return [
            path("report/", wrap(require_safe(self.report_view)), name="search_loggedsearch_report"),
            path("report/<str:table>.csv", wrap(require_safe(self.export_view)), name="search_loggedsearch_export"),
            *super().get_urls(),
        ]

    def report_view(self, request: HttpRequest) -> HttpResponse:
        if not may_see_report(request):
            raise PermissionDenied
        period = period_of(request.GET)
        table = request.GET.get("table", "")
        shown = report(period, table if table in TABLES else "top", least=settings.SEARCH_POPULAR_VISITORS)
        address = urlencode(
            {"from": str(period.first), "to": str(period.last), "device": period.device, "language": period.language}
        )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Search analytics",
            "address": address,
            "presets": [
                (days, urlencode({"from": today_of_searches() - timedelta(days=days - 1), "table": shown["table"]}))
                for days in (7, 30, 90)
            ],
            "least": settings.SEARCH_POPULAR_VISITORS,
            "may_see_log": request.user.has_perm("search.view_loggedsearch"),
            **shown,
        }
        return TemplateResponse(request, "recommend/admin/search_report.html", context)

    def export_view(self, request: HttpRequest, table: str) -> HttpResponse:
        if not may_see_report(request):
            raise PermissionDenied
        period = period_of(request.GET)
        if table not in TABLES:
            return HttpResponse(f"Known are: {', '.join(TABLES)}.", content_type="text/plain", status=404)
        name = f"searches-{table}-{period.first}-{period.last}.csv"
        return HttpResponse(
            csv_of(period, table, least=settings.SEARCH_POPULAR_VISITORS),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


@admin.register(PopularQuery)
class PopularQueryAdmin(ReadOnlyAdmin):
    list_display = ["query", "state", "visitors", "count", "click_rate", "zero", "last_seen", "tried"]
    list_filter = ["hidden"]
    list_fullwidth = True
    list_per_page = 100
    ordering = ["-visitors", "normalised"]
    search_fields = ["normalised"]
    actions = ["hide", "show"]
    list_before_template = "recommend/admin/popular.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        told = {"least": settings.SEARCH_POPULAR_VISITORS, "days": settings.SEARCH_POPULAR_DAYS}
        return super().changelist_view(request, {**told, **(extra_context or {})})

    def has_hide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("search.change_popularquery"))

    @display(description="State", label={"suggested": "success", "hidden": "warning", "not suggested": "default"})
    def state(self, query: PopularQuery) -> str:
        if query.hidden:
            return "hidden"
        fits = query.visitors >= settings.SEARCH_POPULAR_VISITORS and query.zero_share <= MOST_ZERO
        return "suggested" if fits else "not suggested"

    @display(description="Clicks a search", ordering="clicks")
    def click_rate(self, query: PopularQuery) -> str:
        return f"{query.clicks / query.count:.2f}" if query.count else "–"

    @display(description="Without hits", ordering="zero_share")
    def zero(self, query: PopularQuery) -> str:
        return f"{query.zero_share:.0%}"

    @display(description="Try it")
    def tried(self, query: PopularQuery) -> SafeString:
        address = f"{reverse('shop:search')}?{urlencode({'q': query.query})}"
        return format_html('<a class="catalog-more" href="{}">Search</a>', address)

    @action(description="Never suggest", permissions=["hide"], icon="visibility_off")
    def hide(self, request: HttpRequest, queryset: QuerySet[PopularQuery]) -> None:
        messages.success(request, f"{queryset.update(hidden=True)} will not be suggested.")

    @action(description="Suggest again", permissions=["hide"], icon="visibility")
    def show(self, request: HttpRequest, queryset: QuerySet[PopularQuery]) -> None:
        messages.success(request, f"{queryset.update(hidden=False)} may be suggested again.")
