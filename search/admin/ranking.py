"""Learned rankings: which is live, how each did on queries that it was not fitted on, publishing, going back."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.decorators import action, display

from catalog.admin.reading import ReadOnlyAdmin
from search.models import RankingVersion
from search.ranking import versions
from search.ranking.features import FEATURES

KINDS: tuple[versions.Kind, ...] = ("fusion", "ranker")
MOST_SHOWN = 12  # versions in the plot, features in the bars
MEANINGS = {feature.name: feature.meaning for feature in FEATURES}
WIDTH, ROW, LABEL = 480, 22, 150  # pixels of a plot


@admin.register(RankingVersion)
class RankingVersionAdmin(ReadOnlyAdmin):
    list_display = ["version", "state", "held_out", "difference", "source", "note_shown", "created_at", "published_at"]
    list_filter = ["kind"]
    list_fullwidth = True
    list_before_template = "search/admin/ranking.html"
    change_form_before_template = "search/admin/ranking_version.html"
    fields = ["kind", "source", "note", "created_at", "published_at"]
    actions = ["publish"]

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return may_steer(request)

    @display(description="Version", ordering="pk")
    def version(self, version: RankingVersion) -> str:
        return str(version)

    @display(description="State", label={"live": "success", "was live": "info", "kept back": "warning"})
    def state(self, version: RankingVersion) -> str:
        if version.live:
            return "live"
        return "was live" if version.published_at else "kept back"

    @display(description="nDCG@10, held out")
    def held_out(self, version: RankingVersion) -> str:
        return _number(version.report.get("held_out_ndcg@10"), "{:.4f}")

    @display(description="Beside the plain fusion")
    def difference(self, version: RankingVersion) -> str:
        against = version.report.get("against_plain") or {}
        low, high = (against.get("interval") or [None, None])[:2]
        if low is None:
            return "–"
        return f"{_number(against.get('difference'))} ({_number(low)} to {_number(high)})"

    @display(description="Why")
    def note_shown(self, version: RankingVersion) -> SafeString | str:
        return format_html('<span class="ranking-note">{}</span>', version.note) if version.note else "–"

    @action(description="Publish this version", permissions=["steer"], icon="publish")
    def publish(self, request: HttpRequest, queryset: QuerySet[RankingVersion]) -> None:
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            messages.error(request, "Choose exactly one version.")
            return
        try:
            versions.publish(chosen[0])
        except versions.VersionError as error:
            messages.error(request, str(error))
            return
        if chosen[0].better:
            messages.success(request, f"{chosen[0]} is live.")
        else:
            messages.warning(request, f"{chosen[0]} is live, although it was not better on held-out queries.")

    def get_urls(self) -> list[URLPattern]:
        wrap: Callable[..., Any] = self.admin_site.admin_view
        own = [("roll-back", self.roll_back_view, "roll_back"), ("switch-off", self.switch_off_view, "switch_off")]
        return [
            path(f"{at}/<str:kind>/", wrap(require_POST(view)), name=f"search_rankingversion_{name}")
            for at, view, name in own
        ] + super().get_urls()

    def roll_back_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        _check(request, kind)
        try:
            live = versions.roll_back(kind)  # type: ignore[arg-type]
        except versions.VersionError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{live} is live again." if live else "The search ranks as it ships again.")
        return _to_list()

    def switch_off_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        _check(request, kind)
        versions.switch_off(kind)  # type: ignore[arg-type]
        messages.success(request, "The search ranks as it ships again.")
        return _to_list()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {"may_steer": may_steer(request), "kinds": [_kind(kind) for kind in KINDS], "history": _history()}
        return super().changelist_view(request, (extra_context or {}) | extra)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        extra = extra_context or {}
        if version is not None and self.has_view_permission(request, version):
            extra |= {
                "figures": _figures(version.report),
                "importance": bars(version.report.get("importance") or {}),
                "weights": (version.weights.get("weights") or {}) if version.kind == "fusion" else {},
                "how": version.weights.get("by"),
            }
        return super().change_view(request, object_id, form_url, extra)


def may_steer(request: HttpRequest) -> bool:
    """Whether this person may publish and go back."""
    return bool(request.user.has_perm("search.change_rankingversion"))


def _check(request: HttpRequest, kind: str) -> None:
    if not may_steer(request) or kind not in KINDS:
        raise PermissionDenied


def _to_list() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:search_rankingversion_changelist"))


def _kind(kind: versions.Kind) -> dict[str, Any]:
    live = RankingVersion.objects.filter(kind=kind, live=True).first()
    return {
        "kind": kind,
        "label": RankingVersion.Kind(kind).label,
        "live": live,
        "before": versions.before(kind),
        "newest": RankingVersion.objects.filter(kind=kind).first(),
    }


def _figures(report: Mapping[str, Any]) -> list[dict[str, str]]:
    rows = []
    for name, label in (
        ("against_plain", "all hits, beside the plain fusion"),
        ("judged_only", "judged hits alone, beside the plain fusion"),
        ("against_live", "all hits, beside what was live"),
    ):
        told = report.get(name)
        if not told:
            continue
        low, high = told["interval"]
        rows.append(
            {
                "label": label,
                "difference": _number(told["difference"]),
                "interval": f"{_number(low)} to {_number(high)}",
                "queries": f"{told['wins']} better, {told['losses']} worse, {told['ties']} equal",
                "p": _number(told["p"], "{:.3f}"),
            }
        )
    return rows


def _number(value: Any, form: str = "{:+.4f}") -> str:
    return form.format(value) if isinstance(value, (int, float)) else "–"


def _history() -> SafeString:
    """The difference of each version to the plain fusion with its interval, newest first."""
    rows = []
    for version in RankingVersion.objects.all()[:MOST_SHOWN]:
        told = version.report.get("against_plain") or {}
        if told.get("interval"):
            rows.append((str(version), told["difference"], *told["interval"], version.live))
    return intervals(rows)


def intervals(rows: list[tuple[str, float, float, float, bool]]) -> SafeString:
    """A forest plot of (label, value, low, high, marked) around zero; empty without rows."""
    if not rows:
        return SafeString("")
    reach = max(max(abs(low), abs(high)) for _, _, low, high, _ in rows) * 1.1 or 0.01
    middle, half = LABEL + (WIDTH - LABEL) / 2, (WIDTH - LABEL) / 2 - 8

    def x(value: float) -> float:
        return round(middle + half * value / reach, 1)

    height = ROW * len(rows) + 24
    drawn = format_html_join(
        "",
        '<g class="ranking-row" data-marked="{}"><title>{}: {} ({} to {})</title><text x="0" y="{}">{}</text>'
        '<line x1="{}" x2="{}" y1="{}" y2="{}"/><circle cx="{}" cy="{}" r="4"/></g>',
        (
            (
                "yes" if marked else "no", label, _number(value), _number(low), _number(high), y + 4, label,
                x(low), x(high), y, y, x(value), y,
            )
            for at, (label, value, low, high, marked) in enumerate(rows)
            for y in [ROW * at + ROW / 2]
        ),
    )  # fmt: skip
    ends = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="middle">{}</text>',
        ((x(value), height - 6, _number(value, "{:+.3f}")) for value in (-reach / 1.1, 0.0, reach / 1.1)),
    )
    return format_html(
        '<figure class="ranking-plot"><figcaption>nDCG@10 on held-out queries, beside the plain fusion, with the 95 % '
        'interval</figcaption><svg viewBox="0 0 {} {}" role="img" aria-label="Differences of the versions to the plain '
        'fusion">{}<line class="ranking-zero" x1="{}" x2="{}" y1="0" y2="{}"/>{}</svg></figure>',
        WIDTH, height, drawn, middle, middle, height - 20, ends,
    )  # fmt: skip


def bars(shares: Mapping[str, float]) -> SafeString:
    """How much the trees gained by each feature; empty without any."""
    rows = sorted(shares.items(), key=lambda pair: -pair[1])[:MOST_SHOWN]
    if not rows:
        return SafeString("")
    most = rows[0][1] or 1.0
    drawn = format_html_join(
        "",
        '<g><title>{}: {}</title><text x="0" y="{}">{}</text><rect x="{}" y="{}" width="{}" height="12" rx="2"/></g>',
        (
            (
                MEANINGS.get(name, name), f"{share:.1%}", ROW * at + 15, name, LABEL, ROW * at + 5,
                round((WIDTH - LABEL - 8) * share / most, 1),
            )
            for at, (name, share) in enumerate(rows)
        ),
    )  # fmt: skip
    return format_html(
        '<figure class="ranking-plot"><figcaption>What the trees go by: share of their gain</figcaption>'
        '<svg viewBox="0 0 {} {}" role="img" aria-label="Importance of the features">{}</svg></figure>',
        WIDTH, ROW * len(rows) + 4, drawn,
    )  # fmt: skip
