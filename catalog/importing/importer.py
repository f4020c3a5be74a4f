"""Drives an import: reads a source in batches, checks rows, loads pictures, writes, and reports.

What is decided here, and why:
- A sku that a file names twice: the first row counts, later ones are rejected, so that a second run changes nothing.
- A picture that is no picture, or must not be fetched, rejects its row (``pictures="lenient"`` leaves the picture
  out and warns). An address that does not answer just now is a warning: the product goes in, and since its hash is left
  open, the next import tries again.
- A row that says the same as at its last import is not compared with the database (``force`` does): what a merchandiser
  changed in the admin meanwhile stays.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from catalog.fetch import Fetcher
from catalog.importing.checking import Batches
from catalog.importing.checkpoint import Checkpoint, SeenSkus
from catalog.importing.columns import check_mapping
from catalog.importing.options import ImportOptions
from catalog.importing.plan import existing_products, plan_row
from catalog.importing.preparing import prepare
from catalog.importing.readers import RawRow, Source, SourceError
from catalog.importing.report import ImportReport, Outcome, ReportFiles, RowResult
from catalog.importing.row_pictures import RowPictures
from catalog.importing.rows import ProductRow, RowRules
from catalog.importing.values import RowError
from catalog.importing.writer import Writer
from catalog.messages import send
from catalog.per_shop import folder as shop_folder
from catalog.services.changes import nudge

__all__ = ["ImportOptions", "ImportReport", "Importer", "Preview", "RowResult", "upsert_rows"]


_NUDGE_SECONDS = 10.0


@dataclass(slots=True)
class Preview:
    """What an import would do: its counts, and the results of the first rows with their changes."""

    report: ImportReport
    rows: list[RowResult]
    columns: dict[str, str]  # column -> what it is used for


class Importer:
    """Imports one source. ``stop`` is asked after every batch; ``progress`` is told (rows, bytes read, report)."""

    def __init__(
        self,
        source: Source,
        options: ImportOptions | None = None,
        *,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int, ImportReport], None] = lambda rows, read, report: None,
        fetcher: Fetcher | None = None,
    ) -> None:
        self._source, self._options = source, options or ImportOptions()
        self._stop, self._progress = stop, progress
        check_mapping(self._options.mapping)
        self._fetcher = fetcher or (Fetcher() if self._options.fetch else None)
        self._nudged = 0.0

    def run(self) -> ImportReport:
        """Import everything. Raises `SourceError` where nothing can be read; stops and says so where reading breaks."""
        started = time.monotonic()
        options, report = self._options, ImportReport()
        checkpoint = Checkpoint(_folder(), self._identity())
        skip = checkpoint.rows_done() if options.resume else 0
        reason = f"import {self._source.name}"
        writer = Writer(self._rules(), user=options.user, reason=reason)
        done = 0
        with (
            closing(RowPictures(self._source.root, self._fetcher)) as pictures,
            SeenSkus() as seen,
            ReportFiles(options.report_to or self._default_stem()) as files,
        ):
            batches = Batches(self._source, options, self._rules(), seen)
            try:
                for rows, rejected in batches.read(skip):
                    results = rejected + _write(rows, writer, pictures, options, self._nudge_sometimes)
                    results.sort(key=lambda result: result.line)
                    done = batches.rows
                    checkpoint.note(done)
                    report.count(results)
                    report.warnings += sum(len(result.warnings) for result in results)
                    report.last_line, report.pictures = batches.line, writer.pictures_added
                    files.add(results)
                    files.flush()
                    self._progress(done, self._source.position(), report)
                    if self._stop():
                        report.interrupted = True
                        break
            except SourceError as error:
                if not done:
                    raise
                report.problem = str(error)
            report.report = files.path
        if not (report.interrupted or report.problem):
            checkpoint.clear()
        if report.created or report.updated:
            nudge()
        if report.pictures:
            _ask_for_thumbnails()
        report.seconds = round(time.monotonic() - started, 3)
        return report

    def preview(self, limit: int | None = 200) -> Preview:
        """Return what an import would do with the first ``limit`` rows (None: all), and write nothing.

        Files of pictures are verified; addresses are not fetched.
        """
        started = time.monotonic()
        options = replace(self._options, resume=False, batch=min(self._options.batch, limit or self._options.batch))
        preview = Preview(ImportReport(), [], {})
        with closing(RowPictures(self._source.root, None)) as pictures, SeenSkus() as seen:
            batches = Batches(self._source, options, self._rules(), seen)
            for rows, rejected in batches.read(0):
                results = rejected + _compare(rows, self._rules(), pictures, options)
                results.sort(key=lambda result: result.line)
                preview.report.count(results)
                preview.report.warnings += sum(len(result.warnings) for result in results)
                preview.report.last_line = batches.line
                preview.rows.extend(results[: max(0, (limit or 200) - len(preview.rows))])
                self._progress(batches.rows, self._source.position(), preview.report)
                if self._stop() or (limit is not None and batches.rows >= limit):
                    break
            preview.columns = batches.meaning
        preview.report.seconds = round(time.monotonic() - started, 3)
        return preview

    def _rules(self) -> RowRules:
        return self._options.rules(from_table=self._source.format in ("csv", "tsv"))

    def _identity(self) -> list[Any]:
        options = asdict(replace(self._options, user=None))
        for name in ("resume", "report_to", "batch", "user"):
            options.pop(name)
        return [self._source.name, str(self._source.root), self._source.size, self._source.changed, options]

    def _default_stem(self) -> Path:
        moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        return _folder() / f"{self._source.name.replace('.', '-')}-{moment}"

    def _nudge_sometimes(self) -> None:
        """A worker that is awake goes on by itself: one message in ten seconds is enough for any catalogue."""
        now = time.monotonic()
        if now - self._nudged >= _NUDGE_SECONDS:
            self._nudged = now
            nudge()


def _write(
    rows: list[ProductRow],
    writer: Writer,
    pictures: RowPictures,
    options: ImportOptions,
    after_commit: Callable[[], None],
) -> list[RowResult]:
    prepared, results = prepare(rows, pictures, options, keep=True)
    return results + writer.write(prepared, after_commit=after_commit)


def _compare(rows: list[ProductRow], rules: RowRules, pictures: RowPictures, options: ImportOptions) -> list[RowResult]:
    prepared, results = prepare(rows, pictures, options, keep=False)
    existing = existing_products((item.row.sku for item in prepared), lock=False)
    for item in prepared:
        try:
            results.append(plan_row(item, existing.get(item.row.sku), rules).result())
        except RowError as error:
            results.append(RowResult(item.row.line, item.row.sku, Outcome.REJECTED, str(error), item.row.warnings))
    return results


def _folder() -> Path:
    """Where an import leaves what it remembers and reports: several shops may take in one file."""
    return Path(settings.HOME) / shop_folder() / "imports"


def _ask_for_thumbnails() -> None:
    send("workers.tasks.make_thumbnails")  # else the schedule does


def upsert_rows(
    rows: Iterable[Mapping[str, object]], *, options: ImportOptions | None = None, reason: str = "bulk"
) -> list[RowResult]:
    """Create or change products from rows in the import format, and return what became of each, in their order.

    The line of a result is the number of its row, from 1. Every row is compared with the database. Pictures can be
    named by address alone. A row that is no object is rejected like any other bad row.
    """
    options = replace(options or ImportOptions(), force=True)
    rules = options.rules(from_table=False)
    # A request is waited for: pictures that it has no time for are told of, and fetched when they are sent again.
    fetcher = Fetcher(together=settings.PICTURE_BULK_SECONDS) if options.fetch else None
    source = RowsSource(rows)
    writer = Writer(rules, user=options.user, reason=reason)
    results: list[RowResult] = []
    with closing(RowPictures(None, fetcher)) as pictures, SeenSkus() as seen:
        batches = Batches(source, options, rules, seen)
        for good, bad in batches.read(0):
            results += bad + _write(good, writer, pictures, options, nudge)
    if writer.pictures_added:
        _ask_for_thumbnails()
    return sorted(results, key=lambda result: result.line)


class RowsSource(Source):
    """Rows that are in memory already."""

    def __init__(self, rows: Iterable[Mapping[str, object]]) -> None:
        super().__init__("rows.jsonl", lambda: (_ for _ in ()).throw(SourceError("There is no file.")), size=0)
        self._rows = rows

    def rows(self) -> Iterator[RawRow]:
        for number, row in enumerate(self._rows, start=1):
            if isinstance(row, Mapping):
                yield RawRow(number, {str(key): value for key, value in row.items()})
            else:
                yield RawRow(number, problem="an object is expected")
