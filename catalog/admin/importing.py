"""The import page: upload a file, see what it would change, confirm, and watch it go in."""

import json
import logging
import queue
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.text import get_valid_filename
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from catalog import audit
from catalog.importing.importer import Importer, ImportOptions, ImportReport
from catalog.importing.readers import SourceError, open_source
from catalog.importing.report import Outcome, RowResult
from catalog.models import Product
from catalog.per_shop import folder as shop_folder

logger = logging.getLogger(__name__)

PREVIEWED = 2000  # rows that are compared before the confirmation; all of them are imported after it
SHOWN = 30
KEPT_SECONDS = 24 * 3600
SESSION_KEY = "catalog_imports"


class ImportForm(forms.Form):
    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget, max_length=200, help_text="CSV, TSV, JSON lines or JSON; also as .gz."
    )
    status = forms.ChoiceField(
        label="New products are",
        choices=[("published", "published"), ("draft", "drafts")],
        widget=UnfoldAdminSelectWidget,
        help_text="Where a row does not say.",
    )
    pictures = forms.ChoiceField(
        label="Broken pictures",
        choices=[("strict", "reject their row"), ("lenient", "are left out"), ("skip", "– leave all pictures alone –")],
        widget=UnfoldAdminSelectWidget,
    )
    decimal = forms.ChoiceField(
        label="Decimal sign of prices",
        choices=[("", "found out from the file"), (".", "point: 1,234.50"), (",", "comma: 1.234,50")],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    force = forms.BooleanField(
        label="Overwrite changes made here",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Also compares rows that are the same as at their last import.",
    )


def import_view(model_admin: Any, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Upload (GET, POST), confirm (POST with a token) and cancel. Reached through the product list."""
    if not (model_admin.has_add_permission(request) and model_admin.has_change_permission(request)):
        raise PermissionDenied
    if request.method == "POST" and "token" in request.POST:
        token = request.POST["token"]
        known = request.session.get(SESSION_KEY, {}).pop(token, None)
        request.session.modified = True
        if known is None:
            raise Http404("This import was confirmed, cancelled, or belongs to somebody else.")
        if "cancel" in request.POST:
            shutil.rmtree(_folder(token), ignore_errors=True)
            messages.info(request, "Nothing was imported.")
            return redirect("admin:catalog_product_changelist")
        # Here and not when it is done: a page that is closed does not stop it.
        audit.record("import", audit.Subject("catalog.product"), [{"what": f"from {known['name']}"}])
        return _stream(token, known["name"], ImportOptions(**known["options"], user=request.user))  # type: ignore[arg-type]
    form = ImportForm(request.POST or None, request.FILES or None)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": Product._meta,
        "title": "Import products",
        "form": form,
        "media": model_admin.media + form.media,
    }
    if request.method == "POST" and form.is_valid():
        try:
            context |= _preview(request, form)
        except SourceError as error:
            form.add_error("file", str(error))
    return TemplateResponse(request, "catalog/admin/import.html", context)


def _preview(request: HttpRequest, form: ImportForm) -> dict[str, Any]:
    upload: UploadedFile = form.cleaned_data["file"]
    chosen = {name: form.cleaned_data[name] for name in ("status", "pictures", "decimal", "force")}
    _forget_old_uploads()
    token = uuid.uuid4().hex
    name = get_valid_filename(Path(upload.name or "products.csv").name)[-120:]
    folder = _folder(token)
    folder.mkdir(parents=True)
    try:
        with (folder / name).open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        preview = Importer(open_source(folder / name), ImportOptions(**chosen)).preview(limit=PREVIEWED)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    request.session[SESSION_KEY] = {**request.session.get(SESSION_KEY, {}), token: {"name": name, "options": chosen}}
    rows = preview.rows
    return {
        "token": token,
        "name": name,
        "report": preview.report,
        "partial": preview.report.rows >= PREVIEWED,
        "previewed": PREVIEWED,
        "columns": preview.columns,
        "changed": [_shown(row) for row in rows if row.outcome in (Outcome.CREATED, Outcome.UPDATED)][:SHOWN],
        "rejected": [row for row in rows if row.outcome is Outcome.REJECTED][:SHOWN],
        "warned": [row for row in rows if row.warnings][:SHOWN],
    }


def _shown(row: RowResult) -> dict[str, Any]:
    changes = [
        {"field": name.replace("_", " "), "before": _text(before), "after": _text(after)}
        for name, (before, after) in row.changes.items()
    ]
    if row.outcome is Outcome.CREATED:  # one line for all of it: there is nothing to compare with
        telling = ("title", "price", "stock", "category", "brand", "attributes")
        after = " · ".join(_text(row.changes[name][1]) for name in telling if name in row.changes)
        changes = [{"field": "new product", "before": "", "after": after}]
    return {"line": row.line, "sku": row.sku, "outcome": row.outcome.value, "changes": changes}


def _text(value: Any, limit: int = 160) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        value = ", ".join(f"{name}: {_text(entry)}" for name, entry in value.items())
    elif isinstance(value, list | tuple):
        between = " > " if isinstance(value, tuple) else ", "  # the path of a category is a tuple
        value = between.join(getattr(entry, "sku", None) or str(entry) for entry in value)
    text = str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _folder(token: str) -> Path:
    return _uploads() / uuid.UUID(token).hex


def _uploads() -> Path:
    return Path(settings.HOME) / shop_folder() / "imports" / "uploads"


def _forget_old_uploads() -> None:
    """Remove uploads that were looked at and never confirmed."""
    root = _uploads()
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.stat().st_mtime < time.time() - KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _stream(token: str, name: str, options: ImportOptions) -> StreamingHttpResponse:
    """Import in a thread, and tell the page how far it is, one JSON object a line.

    A page that is closed meanwhile stops nothing: the thread goes on, and what it did shows in the list.
    """
    lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    work = (_import, token, name, options, lines)
    thread = threading.Thread(target=copy_context().run, args=work, name=f"import {name}")
    return StreamingHttpResponse(
        _lines(lines, thread),
        content_type="application/x-ndjson",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _lines(lines: "queue.SimpleQueue[dict[str, Any] | None]", thread: threading.Thread) -> Iterator[str]:
    # Begun when the answer is sent: by then this request has written its own rows, and neither waits for the other.
    thread.start()
    while (line := lines.get()) is not None:
        yield json.dumps(line) + "\n"


def _import(token: str, name: str, options: ImportOptions, lines: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    folder = _folder(token)

    def progress(rows: int, read: int, report: ImportReport) -> None:
        lines.put({"rows": rows, "percent": min(99, round(100 * read / size)), **_counts(report)})

    try:
        source = open_source(folder / name)
        size = max(1, source.size)
        report = Importer(source, options, progress=progress).run()
        lines.put({"done": True, "rows": report.rows, "percent": 100, "problem": report.problem, **_counts(report)})
    except SourceError as error:
        lines.put({"done": True, "problem": str(error)})
    except Exception as error:  # the page must hear that it ended, whatever went wrong
        logger.exception("The import of %s failed", name)
        lines.put({"done": True, "problem": f"The import stopped: {type(error).__name__}. What was imported stays."})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        connection.close()
        lines.put(None)


def _counts(report: ImportReport) -> dict[str, int]:
    return {name: getattr(report, name) for name in ("created", "updated", "unchanged", "rejected", "warnings")}
