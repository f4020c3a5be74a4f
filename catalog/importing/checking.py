"""Raw rows into batches of checked rows: whatever goes wrong with one row rejects that row, and no other."""

import logging
from collections.abc import Iterator, Mapping
from itertools import islice

from catalog.importing.checkpoint import SeenSkus
from catalog.importing.columns import Columns, guess
from catalog.importing.options import ImportOptions
from catalog.importing.readers import RawRow, Source, SourceError
from catalog.importing.report import Outcome, RowResult, unguarded
from catalog.importing.rows import ProductRow, RowRules, parse_row
from catalog.importing.values import RowError, is_empty, text_of

logger = logging.getLogger(__name__)
MOST_COLUMNS = 1000  # whose meaning is told


class Batches:
    """Reads raw rows and hands on batches of checked rows, with the rejected ones beside them."""

    def __init__(self, source: Source, options: ImportOptions, rules: RowRules, seen: SeenSkus) -> None:
        self._source, self._options, self._rules, self._seen = source, options, rules, seen
        self._columns: dict[tuple[str, ...], Columns] = {}
        self.rows = 0
        self.line = 0
        self.meaning: dict[str, str] = {}

    def read(self, skip: int) -> Iterator[tuple[list[ProductRow], list[RowResult]]]:
        raw_rows = iter(self._source.rows())
        for raw in islice(raw_rows, skip):
            self.rows, self.line = self.rows + 1, raw.line
            self._note_skipped(raw)
        while batch := list(islice(raw_rows, self._options.batch)):
            self.rows, self.line = self.rows + len(batch), batch[-1].line
            yield self._checked(batch)

    def _checked(self, batch: list[RawRow]) -> tuple[list[ProductRow], list[RowResult]]:
        good: list[ProductRow] = []
        bad: list[RowResult] = []
        for raw in batch:
            try:
                good.append(self._parsed(raw))
            except RowError as error:
                bad.append(RowResult(raw.line, self._sku_of(raw), Outcome.REJECTED, reason=str(error)))
            except SourceError:
                raise
            except Exception as error:
                logger.exception("Line %s could not be read", raw.line)
                reason = f"unexpected {type(error).__name__}: {error}"
                bad.append(RowResult(raw.line, self._sku_of(raw), Outcome.REJECTED, reason=reason))
        first = self._seen.first_lines((row.sku, row.line) for row in good)
        for row, line in zip(good, first, strict=True):
            if line != row.line:
                reason = f"sku: {row.sku!r} is on line {line} already"
                bad.append(RowResult(row.line, row.sku, Outcome.REJECTED, reason=reason, warnings=row.warnings))
        return [row for row, line in zip(good, first, strict=True) if line == row.line], bad

    def _parsed(self, raw: RawRow) -> ProductRow:
        if raw.problem:
            raise RowError("", raw.problem)
        values = raw.values
        if self._rules.from_table:  # an export, perhaps
            values = {name: unguarded(cell) if isinstance(cell, str) else cell for name, cell in values.items()}
        row = parse_row(raw.line, values, self._columns_of(values), self._rules)
        if raw.warning:
            row.warnings.insert(0, raw.warning)
        return row

    def _columns_of(self, values: Mapping[str, object]) -> Columns:
        names = tuple(values)
        if names not in self._columns:
            if len(self._columns) > 1000:
                self._columns.clear()  # rows of JSON with ever new keys
            columns = guess(names, self._options.mapping, keep_unknown=self._options.keep_unknown)
            if self._rules.from_table:
                self._check_header(names, columns)
            self._columns[names] = columns
            if len(self.meaning) < MOST_COLUMNS:  # people read them
                self.meaning = columns.meaning() | self.meaning
        return self._columns[names]

    def _check_header(self, names: tuple[str, ...], columns: Columns) -> None:
        used = {*columns.fields.values(), *columns.images, *columns.levels}
        for field_, column in self._options.mapping.items():
            if column not in names and not any(column.casefold() == name.casefold() for name in used):
                raise SourceError(f"There is no column {column!r} for {field_}; there are: {', '.join(names)}.")
        if "sku" not in columns.fields:
            raise SourceError(f"No column names the sku; say which one does. The columns are: {', '.join(names)}.")

    def _sku_of(self, raw: RawRow) -> str:
        try:
            column = self._columns_of(raw.values).fields.get("sku", "")
            value = raw.values.get(column)
            return "" if is_empty(value) else text_of(value, "sku")[:64]
        except (RowError, SourceError):
            return ""

    def _note_skipped(self, raw: RawRow) -> None:
        if sku := self._sku_of(raw).strip():
            self._seen.first_lines([(sku, raw.line)])
