"""The audit log, to be looked at and taken out, and nothing else."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from catalog.admin.export import Echo
from catalog.admin.reading import ReadOnlyAdmin
from catalog.importing.report import guarded
from catalog.models import AuditEntry

COLUMNS = ("at", "actor", "address", "action", "model", "object_id", "object", "changes")
SHOWN = 3  # changes of an entry in the list


class _ValuesFilter(SimpleListFilter):
    """The values that a column holds."""

    parameter_name: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = AuditEntry.objects.order_by(self.parameter_name).values_list(self.parameter_name, flat=True)
        return [(each, each) for each in rows.distinct()[:100] if each]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class ActorFilter(_ValuesFilter):
    title, parameter_name = "who", "actor"


class ActionFilter(_ValuesFilter):
    title, parameter_name = "action", "action"


class ModelFilter(_ValuesFilter):
    title, parameter_name = "kind of row", "model"


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ["moment", "actor", "action_shown", "what", "changes_shown", "address"]
    list_filter = [ActorFilter, ActionFilter, ModelFilter, ("at", RangeDateTimeFilter)]
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    list_after_template = "catalog/admin/no_audit.html"
    search_fields = ["actor", "object", "object_id"]
    search_help_text = "Who, or what it was done to"
    actions = ["export_as_csv"]
    fields = ["moment", "actor", "address", "action", "what", "every_change"]
    readonly_fields = ["moment", "what", "every_change"]

    @display(description="At (UTC)", ordering="at")
    def moment(self, entry: AuditEntry) -> str:
        return f"{entry.at:%Y-%m-%d %H:%M:%S}"

    @display(description="Action", ordering="action", label=True)
    def action_shown(self, entry: AuditEntry) -> str:
        return entry.action

    @display(description="What")
    def what(self, entry: AuditEntry) -> str:
        kind = entry.model.rpartition(".")[2]
        return " ".join(filter(None, (kind, f"“{entry.object}”" if entry.object else entry.object_id))) or "–"

    @display(description="Changes")
    def changes_shown(self, entry: AuditEntry) -> SafeString | str:
        lines = list(_lines(entry))
        more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
        return _listed([line[:160] for line in lines[:SHOWN]] + more)

    @display(description="Changes")
    def every_change(self, entry: AuditEntry) -> SafeString | str:
        return _listed(list(_lines(entry)))

    @action(description="Export as CSV", permissions=["view"], icon="download")
    def export_as_csv(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> StreamingHttpResponse:
        response = StreamingHttpResponse(_csv(queryset), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="audit-log.csv"'
        return response


def _listed(lines: list[str]) -> SafeString | str:
    if not lines:
        return "–"
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((line,) for line in lines)))


def _lines(entry: AuditEntry) -> Iterator[str]:
    """What changed, in words."""
    for change in entry.changes:
        said = change.get("what", "")
        if "ids" in change:
            yield f"{change['count']:,} chosen: {', '.join(change['ids'])}"
            continue
        other = (change.get("model"), change.get("id")) != (entry.model, entry.object_id)
        named = (
            f" {str(change['model']).rpartition('.')[2]} “{change.get('object')}”"
            if other and "model" in change
            else ""
        )
        fields = change.get("fields") or {}
        for name, (before, after) in fields.items():
            yield f"{name}{f' of{named}' if named else ''}: {_value(before)} → {_value(after)}"
        if not fields:
            yield f"{said}{named}"


def _value(value: Any) -> str:
    return "–" if value in (None, "") else str(value)


def _csv(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    for entry in entries.iterator(chunk_size=500):
        cells = [entry.at.isoformat(), *(getattr(entry, name) for name in COLUMNS[1:-1])]
        yield writer.writerow([guarded(cell) for cell in [*cells, json.dumps(entry.changes, ensure_ascii=False)]])
