"""Synonyms: the list, the form, files in and out, and what the logs suggest."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, re_path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from catalog.admin.history import HistoryAdmin
from catalog.admin.reading import ReadOnlyAdmin
from search.admin.filters import STATE_LABELS, ScheduleFilter, SuggestionFilter, state_of
from search.language import suggesting, synonym_files, synonyms
from search.models import Synonym, SynonymSuggestion
from search.remembered import look_again


class SynonymForm(forms.ModelForm):
    class Meta:
        model = Synonym
        fields = ["kind", "words", "also", "language", "enabled", "starts_at", "ends_at", "note"]
        widgets = {name: UnfoldAdminTextareaWidget(attrs={"rows": 2}) for name in ("words", "also")}

    def clean_language(self) -> str:
        return str(self.cleaned_data["language"]).strip().lower()

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        row = Synonym(**{name: cleaned[name] for name in self.Meta.fields})
        try:
            synonyms.clean(row)
        except forms.ValidationError as error:
            self.add_error(None, error)
        else:
            cleaned["words"], cleaned["also"] = row.words, row.also
        return cleaned


class ImportForm(forms.Form):
    file = forms.FileField(widget=UnfoldAdminFileFieldWidget, max_length=200, help_text="CSV in UTF-8.")


@admin.register(Synonym)
class SynonymAdmin(HistoryAdmin, ModelAdmin):
    form = SynonymForm
    list_display = ["phrases", "language_shown", "state_shown", "until", "note", "author"]
    list_filter = [ScheduleFilter, ("kind", ChoicesDropdownFilter), "language"]
    list_filter_submit = True
    list_select_related = ["author"]
    list_per_page = 100
    list_before_template = "search/admin/synonyms.html"
    search_fields = ["words", "also", "note"]
    actions = ["switch_on", "switch_off", "export_as_csv"]
    actions_list = ["import_synonyms"]
    history_list_per_page = 25
    warn_unsaved_form = True
    conditional_fields = {"also": "kind == 'one_way'"}
    fieldsets = [
        (None, {"fields": ["kind", "words", "also"]}),
        ("Where and when", {"fields": [("language", "enabled"), "starts_at", "ends_at", "note"]}),
    ]

    @display(description="Phrases", ordering="words")
    def phrases(self, row: Synonym) -> SafeString:
        words = row.words.replace(", ", " = ") if row.kind == Synonym.Kind.TWO_WAY else row.words
        also = format_html(' <span class="catalog-quiet">also finds</span> {}', row.also) if row.also else ""
        return format_html("{}{}", words, also)

    @display(description="Language", ordering="language")
    def language_shown(self, row: Synonym) -> str:
        return row.language or "every"

    @display(description="State", label=STATE_LABELS)
    def state_shown(self, row: Synonym) -> str:
        return state_of(row)

    @display(description="Until", ordering="ends_at")
    def until(self, row: Synonym) -> str:
        return f"{row.ends_at:%Y-%m-%d %H:%M}" if row.ends_at else "–"

    def save_model(self, request: HttpRequest, obj: Synonym, form: Any, change: bool) -> None:
        if not change:
            obj.author = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)
        look_again()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        waiting = SynonymSuggestion.objects.filter(state=SynonymSuggestion.State.OPEN).count()
        extra = {"suggested": waiting, "empty": not Synonym.objects.exists()}
        return super().changelist_view(request, (extra_context or {}) | extra)

    @action(description="Switch on", permissions=["change"], icon="play_arrow")
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Synonym]) -> None:
        _switch(request, queryset, True)

    @action(description="Switch off", permissions=["change"], icon="pause")
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Synonym]) -> None:
        _switch(request, queryset, False)

    @action(description="Export as CSV", permissions=["view"], icon="download")
    def export_as_csv(self, request: HttpRequest, queryset: QuerySet[Synonym]) -> HttpResponse:
        response = HttpResponse(synonym_files.written(queryset), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="synonyms.csv"'
        return response

    @action(description="Import…", permissions=["add", "change"], url_path="import", icon="upload_file")
    def import_synonyms(self, request: HttpRequest) -> HttpResponse:
        if not (self.has_add_permission(request) and self.has_change_permission(request)):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                rows = synonym_files.read(form.cleaned_data["file"].read(synonym_files.MOST_BYTES + 1))
                new, changed = synonym_files.store(rows, request.user)
            except synonyms.SynonymError as error:
                form.add_error("file", str(error))
            else:
                look_again()
                messages.success(request, f"{new} new, {changed} changed, {len(rows) - new - changed} as they were.")
                return HttpResponseRedirect(reverse("admin:search_synonym_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import synonyms",
            "form": form,
            "columns": synonym_files.COLUMNS,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "search/admin/import_synonyms.html", context)


def _switch(request: HttpRequest, queryset: QuerySet[Synonym], on: bool) -> None:
    rows = list(queryset.exclude(enabled=on))
    for row in rows:  # one by one, for the history
        row.enabled = on
        row.save()
    look_again()
    messages.success(
        request, f"Switched {len(rows)} {'entry' if len(rows) == 1 else 'entries'} {'on' if on else 'off'}."
    )


@admin.register(SynonymSuggestion)
class SynonymSuggestionAdmin(ReadOnlyAdmin):
    list_display = ["pair", "source_shown", "support_shown", "lift_shown", "found_at", "state_shown"]
    list_filter = [SuggestionFilter, "source"]
    list_display_links = None
    list_before_template = "search/admin/suggestions.html"
    actions = ["accept_all", "dismiss_all"]

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["search.change_synonymsuggestion", "search.add_synonym"])

    def get_list_display(self, request: HttpRequest) -> list[str]:
        may = self.has_decide_permission(request)
        return [*self.list_display[:-1], "decision" if may else "state_shown"]

    @display(description="Mean the same?")
    def pair(self, row: SynonymSuggestion) -> SafeString:
        return format_html(
            '<strong>{}</strong> <span class="catalog-quiet">=</span> <strong>{}</strong>', row.first, row.second
        )

    @display(description="Because shoppers", ordering="source")
    def source_shown(self, row: SynonymSuggestion) -> str:
        return row.get_source_display().lower()

    @display(description="Support", ordering="support")
    def support_shown(self, row: SynonymSuggestion) -> str:
        return f"{row.support:,} {'shoppers' if row.source == row.Source.REFORMULATED else 'products'}"

    @display(description="Lift", ordering="lift")
    def lift_shown(self, row: SynonymSuggestion) -> str:
        return f"{row.lift:,.1f} ×"

    @display(description="State", ordering="state")
    def state_shown(self, row: SynonymSuggestion) -> str:
        return row.get_state_display()

    @display(description="Decision")
    def decision(self, row: SynonymSuggestion) -> str | SafeString:
        if row.state != row.State.OPEN:
            return row.get_state_display()
        # Buttons of the list's own form, which brings the CSRF token along: a form within a form is none.
        address = "admin:search_synonymsuggestion_decide"
        return format_html(
            '<button class="search-decide" formaction="{}" aria-label="Accept {pair}">Accept</button> '
            '<button class="search-decide" data-kind="quiet" formaction="{}" aria-label="Dismiss {pair}">'
            "Dismiss</button>",
            reverse(address, args=[row.pk, "accept"]),
            reverse(address, args=[row.pk, "dismiss"]),
            pair=str(row),
        )

    def get_urls(self) -> list[URLPattern]:
        wrap: Callable[..., Any] = self.admin_site.admin_view
        return [
            path("look/", wrap(require_POST(self.look_view)), name="search_synonymsuggestion_look"),
            # Spelled out: any other word in its place would be taken for one of the two, "delete" among them.
            re_path(
                r"^(?P<pk>\d{1,18})/(?P<how>accept|dismiss)/$",
                wrap(require_POST(self.decide_view)),
                name="search_synonymsuggestion_decide",
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {"may_decide": self.has_decide_permission(request), "days": suggesting.DAYS}
        return super().changelist_view(request, (extra_context or {}) | extra)

    def look_view(self, request: HttpRequest) -> HttpResponse:
        self._must_decide(request)
        new = suggesting.suggest()
        if new:
            messages.success(request, f"{new} new {'suggestion' if new == 1 else 'suggestions'}.")
        else:
            messages.info(request, "The logs suggest nothing new.")
        return _to_suggestions()

    def decide_view(self, request: HttpRequest, pk: str, how: str) -> HttpResponse:
        self._must_decide(request)
        row = get_object_or_404(SynonymSuggestion, pk=pk, state=SynonymSuggestion.State.OPEN)
        if how == "accept":
            suggesting.accept(row, request.user)
            look_again()
            messages.success(request, f"“{row.first}” and “{row.second}” find each other from now on.")
        else:
            suggesting.dismiss(row)
            messages.success(request, f"“{row.first}” and “{row.second}” are not suggested again.")
        return _to_suggestions()

    @action(description="Accept", permissions=["decide"], icon="check")
    def accept_all(self, request: HttpRequest, queryset: QuerySet[SynonymSuggestion]) -> None:
        pairs = {(row.first, row.second): row for row in queryset.filter(state=SynonymSuggestion.State.OPEN)}
        for row in pairs.values():
            suggesting.accept(row, request.user)
        look_again()
        messages.success(request, f"Made {len(pairs)} {'synonym' if len(pairs) == 1 else 'synonyms'}.")

    @action(description="Dismiss", permissions=["decide"], icon="close")
    def dismiss_all(self, request: HttpRequest, queryset: QuerySet[SynonymSuggestion]) -> None:
        rows = list(queryset.filter(state=SynonymSuggestion.State.OPEN))
        for row in rows:
            suggesting.dismiss(row)
        messages.success(request, f"Dismissed {len(rows)}.")

    def _must_decide(self, request: HttpRequest) -> None:
        if not self.has_decide_permission(request):
            raise PermissionDenied


def _to_suggestions() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:search_synonymsuggestion_changelist"))
