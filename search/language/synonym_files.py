"""Synonyms as a small CSV file: what another system exports, or a colleague keeps in a spreadsheet."""

import csv
import datetime as dt
import io
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from catalog.importing.report import guarded, unguarded
from catalog.text import TextError, clean_text
from search.language.synonyms import SynonymError, clean
from search.models import Synonym

COLUMNS = ("kind", "words", "also", "language", "enabled", "from", "until", "note")
MOST_BYTES = 1_000_000
MOST_LINES = 5_000
_KINDS = {"": "", "two_way": "two_way", "two-way": "two_way", "one_way": "one_way", "one-way": "one_way"}
_YES, _NO = ("", "yes", "true", "1"), ("no", "false", "0")


def written(synonyms: Iterable[Synonym]) -> str:
    """CSV with a byte order mark, which spreadsheets need for UTF-8; cells that they would run are disarmed."""
    out = io.StringIO("\ufeff")
    out.seek(0, io.SEEK_END)
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in synonyms:
        dates = (each.isoformat() if each else "" for each in (row.starts_at, row.ends_at))
        cells = (row.kind, row.words, row.also, row.language, "yes" if row.enabled else "no", *dates, row.note)
        writer.writerow([guarded(cell) for cell in cells])
    return out.getvalue()


def read(data: bytes) -> list[Synonym]:
    """Read a file into rows that are not saved yet. Raises SynonymError, which names the line."""
    if len(data) > MOST_BYTES:
        raise SynonymError(f"The file is too large: at most {MOST_BYTES // 1000:,} kB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SynonymError("The file is not written in UTF-8.") from error
    if "\x00" in text:
        raise SynonymError("The file is no text.")
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[Synonym] = []
    try:
        names = [name.strip().lower() for name in next(lines, [])]
        if "words" not in names or (unknown := set(names) - set(COLUMNS)):
            told = f" Unknown: {', '.join(sorted(unknown))[:100]}." if "words" in names else ""
            raise SynonymError(
                f"The first line names the columns, of which “words” is needed: {', '.join(COLUMNS)}.{told}"
            )
        for cells in lines:
            if any(cell.strip() for cell in cells):
                found.append(_row(dict(zip(names, cells, strict=False)), lines.line_num))
            if len(found) > MOST_LINES:
                raise SynonymError(f"At most {MOST_LINES:,} lines.")
    except csv.Error as error:
        raise SynonymError(f"Line {lines.line_num} cannot be read: {error}.") from error
    return found


@transaction.atomic
def store(rows: Iterable[Synonym], author: Any = None) -> tuple[int, int]:
    """Save rows; one with the same words, kind and language as a saved one replaces it. Returns (new, changed)."""
    known = {_identity(row): row for row in Synonym.objects.select_for_update()}
    new = changed = 0
    for row in rows:
        saved = known.get(_identity(row))
        if saved is None:
            row.author = author
            row.save()
            known[_identity(row)] = row
            new += 1
        elif any(getattr(saved, name) != getattr(row, name) for name in _COMPARED):
            for name in _COMPARED:
                setattr(saved, name, getattr(row, name))
            saved.save()
            changed += 1
    return new, changed


_COMPARED = ("enabled", "starts_at", "ends_at", "note")


def _identity(row: Synonym) -> tuple[str, ...]:
    return row.kind, row.words, row.also, row.language


def _row(cells: dict[str, str], line: int) -> Synonym:
    cell = {name: unguarded(cells.get(name, "")).strip() for name in COLUMNS}
    try:
        kind = _KINDS.get(cell["kind"].lower())
        if kind is None:
            raise SynonymError("kind is two_way or one_way.")
        enabled = cell["enabled"].lower()
        if enabled not in (*_YES, *_NO):
            raise SynonymError("enabled is yes or no.")
        row = Synonym(
            kind=kind or (Synonym.Kind.ONE_WAY if cell["also"] else Synonym.Kind.TWO_WAY),
            words=cell["words"],
            also=cell["also"],
            language=cell["language"].lower(),
            enabled=enabled in _YES,
            starts_at=_moment(cell["from"]),
            ends_at=_moment(cell["until"]),
            note=clean_text(cell["note"], limit=300, name="note"),
        )
        clean(row)
    except (SynonymError, TextError) as error:
        raise SynonymError(f"Line {line}: {error}") from error
    except ValidationError as error:
        raise SynonymError(f"Line {line}: {' '.join(error.messages)}") from error
    return row


def _moment(text: str) -> dt.datetime | None:
    if not text:
        return None
    try:
        moment = parse_datetime(text if len(text) > 10 else f"{text}T00:00:00")
    except ValueError:
        moment = None
    if moment is None:
        raise SynonymError(f"“{text[:40]}” is no date such as 2026-12-01 or 2026-12-01T08:00:00+01:00.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
