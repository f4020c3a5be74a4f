"""Merchandising rules: the list, and a form that shows what it would do before it is saved."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from simple_history.template_utils import HistoricalRecordContextHelper
from unfold.admin import ModelAdmin, StackedInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from catalog.admin.history import HistoryAdmin
from catalog.text import TextError, clean_text
from search.admin.filters import STATE_LABELS, ScheduleFilter, state_of
from search.admin.preview import preview
from search.language.synonyms import key_of
from search.merchandising import segments
from search.merchandising.redirects import check_redirect
from search.merchandising.rules import MOST_PATTERNS
from search.models import Rule, RuleAction
from search.models.rules import LEAST_FACTOR, MOST_FACTOR
from search.remembered import look_again
from search.terms import MAX_WORDS_IN_QUERY

MOST_ACTIONS = 100
_TARGETS = ("product", "brand", "category", "tag")


class RuleForm(forms.ModelForm):
    segment = forms.ChoiceField(label="Shoppers", required=False, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = Rule
        fields = [
            "name", "enabled", "priority", "match", "queries", "category", "segment", "starts_at", "ends_at",
            "redirect_to", "note",
        ]  # fmt: skip
        widgets = {"queries": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "segment" in self.fields:
            field: Any = self.fields["segment"]
            known = dict(segments.names())
            # A segment that is told no longer stays with the rule that was made for it.
            known.setdefault(self.instance.segment, self.instance.segment)
            field.choices = list(known.items())

    def clean_queries(self) -> str:
        lines: dict[str, None] = {}
        for line in self.cleaned_data["queries"].replace("\r", "").split("\n"):
            try:
                text = clean_text(line, limit=200, name="A line")
            except TextError as error:
                raise ValidationError(f"{error}.") from error
            if not text:
                continue
            key = key_of(text, settings.LANGUAGE_CODE)
            if not key:
                raise ValidationError(f"“{text}” holds no word that could be searched for.")
            if len(key) > MAX_WORDS_IN_QUERY:
                raise ValidationError(f"“{text[:80]}…” has more words than a search reads.")
            lines[text] = None
        if len(lines) > MOST_PATTERNS:
            raise ValidationError(f"At most {MOST_PATTERNS} lines.")
        return "\n".join(lines)

    def clean_redirect_to(self) -> str:
        address: str = self.cleaned_data["redirect_to"].strip()
        if address:
            check_redirect(address)
        return address

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        match = cleaned.get("match")
        if match in (Rule.Match.ANY, Rule.Match.NONE):
            cleaned["queries"] = ""
        elif match and not cleaned.get("queries") and "queries" not in self.errors:
            self.add_error("queries", "Say which words, one query a line.")
        if match == Rule.Match.NONE and not cleaned.get("category") and "category" not in self.errors:
            self.add_error("category", "Say which category is browsed.")
        if cleaned.get("redirect_to") and match == Rule.Match.NONE:
            self.add_error("redirect_to", "Only a search can lead elsewhere, not a category's page.")
        if cleaned.get("redirect_to") and match == Rule.Match.ANY:
            self.add_error("redirect_to", "Every search would lead there; say for which words.")
        starts, ends = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", "It must end after it starts.")
        return cleaned


class ActionForm(forms.ModelForm):
    class Meta:
        model = RuleAction
        fields = ["kind", "position", "factor", *_TARGETS, "attribute", "value"]
        help_texts = {"factor": f"{LEAST_FACTOR} to {MOST_FACTOR:.0f}", "position": "1 is the first"}

    def clean(self) -> dict[str, Any] | None:
        """Exactly one target, and what the kind needs."""
        cleaned = super().clean() or self.cleaned_data
        kind = cleaned.get("kind")
        if kind == RuleAction.Kind.PIN and cleaned.get("product"):
            # The form shows a pin's product alone; what was chosen before it became a pin is not meant any more.
            cleaned |= {"brand": None, "category": None, "tag": None, "attribute": "", "value": ""}
        for name in ("attribute", "value"):
            try:
                cleaned[name] = clean_text(cleaned.get(name) or "", limit=100, name=name)
            except TextError as error:
                self.add_error(name, f"{error}.")
        named = [name for name in _TARGETS if cleaned.get(name)] + (
            ["attribute"] if cleaned.get("attribute") or cleaned.get("value") else []
        )
        if len(named) != 1 and not self.errors:
            told = f"not {' and '.join(named)} at once" if named else "none is chosen"
            self.add_error("product", f"Choose one product, brand, category, tag, or attribute with its value: {told}.")
        if named == ["attribute"] and not (cleaned["attribute"] and cleaned["value"]):
            self.add_error("value", "An attribute needs its name and its value.")
        if kind == RuleAction.Kind.PIN:
            if named and named != ["product"]:
                self.add_error("kind", "Only a product can be pinned; boost the others.")
            if not cleaned.get("position") and "position" not in self.errors:
                self.add_error("position", "Say at which position; 1 is the first.")
        else:
            cleaned["position"] = None
        if kind in (RuleAction.Kind.BOOST, RuleAction.Kind.BURY):
            if not cleaned.get("factor") and "factor" not in self.errors:
                cleaned["factor"] = 2.0
        else:
            cleaned["factor"] = None
        return cleaned


class ActionInline(StackedInline):
    model = RuleAction
    form = ActionForm
    fields = [("kind", "position", "factor"), ("product", "brand"), ("category", "tag"), ("attribute", "value")]
    autocomplete_fields = list(_TARGETS)
    extra = 0
    max_num = MOST_ACTIONS
    verbose_name = "action"
    verbose_name_plural = "What it does"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Products and brands are chosen here; they are edited on their own pages."""
        field = super().formfield_for_dbfield(db_field, request, **options)
        for may in ("add", "change", "delete", "view"):
            if field is not None and hasattr(field.widget, f"can_{may}_related"):
                setattr(field.widget, f"can_{may}_related", False)
        return field

    def get_queryset(self, request: HttpRequest) -> QuerySet[RuleAction]:
        return super().get_queryset(request).select_related(*_TARGETS)


@admin.register(Rule)
class RuleAdmin(HistoryAdmin, ModelAdmin):
    form = RuleForm
    inlines = [ActionInline]
    list_display = ["name", "when", "does", "state_shown", "priority"]
    list_filter = [ScheduleFilter, "match", ("category", AutocompleteSelectFilter)]
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ["category"]
    list_per_page = 50
    list_before_template = "search/admin/rules.html"
    change_form_after_template = "search/admin/preview_panel.html"
    search_fields = ["name", "queries", "told", "note"]
    autocomplete_fields = ["category"]
    actions = ["switch_on", "switch_off"]
    history_list_per_page = 25
    warn_unsaved_form = True
    conditional_fields = {"queries": "match == 'exact' || match == 'contains' || match == 'starts'"}
    fieldsets = [
        (None, {"fields": ["name", "note", ("enabled", "priority")]}),
        (
            "When",
            {
                "fields": ["match", "queries", ("category", "segment"), "starts_at", "ends_at"],
                "description": "All of it must hold.",
            },
        ),
        ("Lead elsewhere", {"fields": ["redirect_to"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        return super().get_queryset(request).annotate(action_total=Count("actions"))

    @display(description="When")
    def when(self, rule: Rule) -> SafeString:
        lines = rule.queries.split("\n") if rule.queries else []
        shown = ", ".join(f"“{line}”" for line in lines[:3]) + (f" and {len(lines) - 3} more" if len(lines) > 3 else "")
        parts = [f"{rule.get_match_display().lower()} {shown}".strip()]
        if rule.category:
            parts.append(f"in {rule.category}")
        if rule.segment:
            parts.append(f"for {segments.names().get(rule.segment, rule.segment).partition(':')[0].lower()}")
        return format_html_join(format_html("<br>"), "{}", ((part,) for part in parts))

    @display(description="Does")
    def does(self, rule: Rule) -> SafeString:
        lines = rule.told.split("\n") if rule.told else ["nothing yet"]
        more = [f"and {len(lines) - 4} more"] if len(lines) > 5 else []
        return format_html_join(format_html("<br>"), "{}", ((line,) for line in (lines[: 4 if more else 5] + more)))

    @display(description="State", label=STATE_LABELS)
    def state_shown(self, rule: Rule) -> str:
        return state_of(rule)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The history compares what a rule does in words, which are known only now."""
        super().save_related(request, form, formsets, change)
        rule: Rule = form.instance
        rule.told = told(rule, rule.actions.select_related(*_TARGETS))
        Rule.objects.filter(pk=rule.pk).update(told=rule.told)
        latest = rule.history.latest()
        latest.told = rule.told
        latest.save()
        look_again()

    def delete_model(self, request: HttpRequest, obj: Rule) -> None:
        super().delete_model(request, obj)
        look_again()

    def get_historical_record_context_helper(self, request: Any, historical_record: Any) -> Any:
        return HistoricalRecordContextHelper(self.model, historical_record, max_displayed_delta_change_chars=1000)

    def revert_disabled(self, request: Any, obj: Any = None) -> bool:
        """A record holds the actions in words, from which they cannot be made again."""
        return True

    @action(description="Switch on", permissions=["change"], icon="play_arrow")
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        _switch(request, queryset, True)

    @action(description="Switch off", permissions=["change"], icon="pause")
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        _switch(request, queryset, False)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {"empty": not Rule.objects.exists()}
        return super().changelist_view(request, (extra_context or {}) | extra)

    def get_urls(self) -> list[URLPattern]:
        wrap: Callable[..., Any] = self.admin_site.admin_view
        view = wrap(require_POST(self.preview_view))
        return [
            path("preview/", view, name="search_rule_preview"),
            path("<int:pk>/preview/", view, name="search_rule_preview_of"),
            *super().get_urls(),
        ]

    def preview_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        return preview(self, request, pk)


def told(rule: Rule, actions: Any) -> str:
    """What a rule does in words, a line each."""
    lines = [f"lead to {rule.redirect_to}"] if rule.redirect_to else []
    return "\n".join([*lines, *(str(each) for each in actions)])


def _switch(request: HttpRequest, queryset: QuerySet[Rule], on: bool) -> None:
    rows = list(queryset.exclude(enabled=on))
    for row in rows:  # one by one, for the history
        row.enabled = on
        row.save()
    look_again()
    messages.success(request, f"Switched {len(rows)} {'rule' if len(rows) == 1 else 'rules'} {'on' if on else 'off'}.")
