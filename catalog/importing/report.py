"""What became of each row, and the files in which a person reads it."""

import csv
import json
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TextIO

# A spreadsheet runs a cell that begins with one of these as a formula (OWASP, "CSV injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@dataclass(slots=True)
class RowResult:
    """What became of a row. ``changes`` maps a field to (before, after); before is None for a new product."""

    line: int
    sku: str
    outcome: Outcome
    reason: str = ""  # why it was rejected
    warnings: list[str] = field(default_factory=list)
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    product_id: int | None = None


@dataclass(slots=True)
class ImportReport:
    """Counts over all rows. ``report`` is the file with every rejected row and every warning, if there were any."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    warnings: int = 0
    pictures: int = 0
    seconds: float = 0.0
    last_line: int = 0
    interrupted: bool = False
    problem: str = ""  # why reading stopped before the end of the file
    report: str = ""

    def count(self, results: Iterable[RowResult]) -> None:
        for outcome, number in Counter(result.outcome for result in results).items():
            setattr(self, outcome.value, getattr(self, outcome.value) + number)

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.unchanged + self.rejected

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def guarded(cell: object) -> str:
    """Return a cell that a spreadsheet shows as text and never runs."""
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def unguarded(cell: str) -> str:
    """Return a cell as it was before `guarded`, so that a table that was taken out says the same when it comes in."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell


class ReportFiles:
    """The rejected rows and the warnings as CSV (for people) and JSON lines (for programs), made when first needed."""

    COLUMNS = ("line", "sku", "level", "reason")

    def __init__(self, stem: Path | None) -> None:
        self._stem = stem
        self._files = ExitStack()
        self._csv: Any = None
        self._jsonl: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._files.close()

    @property
    def path(self) -> str:
        return str(self._stem.with_suffix(".csv")) if self._stem and self._csv else ""

    def add(self, results: Iterable[RowResult]) -> None:
        for result in results:
            if result.reason:
                self._write(result, "rejected", result.reason)
            for warning in result.warnings:
                self._write(result, "warning", warning)

    def flush(self) -> None:
        for file in (self._table, self._jsonl) if self._csv else ():
            if file:
                file.flush()

    def _write(self, result: RowResult, level: str, reason: str) -> None:
        if self._stem is None:
            return
        if self._csv is None:
            self._stem.parent.mkdir(parents=True, exist_ok=True)
            self._table = self._files.enter_context(
                self._stem.with_suffix(".csv").open("w", encoding="utf-8", newline="")
            )
            self._jsonl = self._files.enter_context(self._stem.with_suffix(".jsonl").open("w", encoding="utf-8"))
            self._csv = csv.writer(self._table)
            self._csv.writerow(self.COLUMNS)
        row = (result.line, result.sku, level, reason)
        self._csv.writerow([guarded(cell) for cell in row])
        assert self._jsonl is not None  # noqa: S101  (it is opened first)
        self._jsonl.write(json.dumps(dict(zip(self.COLUMNS, row, strict=True)), ensure_ascii=False) + "\n")
