"""Files into raw rows, one at a time: CSV, TSV, JSON lines, a JSON array, and each of them compressed with gzip.

Memory stays constant: nothing is held but the record being read, and that is bounded. A record that cannot be read is
handed on with its problem, and reading goes on behind it.
"""

import codecs
import csv
import gzip
import io
import json
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NoReturn

import orjson

MAX_LINE = 4_000_000  # characters; nothing that belongs into a shop is longer
FORMATS = {"csv": "csv", "tsv": "tsv", "tab": "tsv", "jsonl": "jsonl", "ndjson": "jsonl", "json": "json"}
DELIMITERS = ",;\t|"
_SAMPLE = 65_536
_BOMS = (  # the longer ones first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class SourceError(ValueError):
    """A file that cannot be imported at all, or no further; the message is a sentence for the person who named it."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """A record as it stands in the file. With a ``problem`` it could not be read and has no values."""

    line: int  # where the record begins, counted from 1; in an array the number of the element
    values: dict[str, object] = field(default_factory=dict)
    problem: str = ""
    warning: str = ""


class Source:
    """A catalogue that can be read from its start any number of times.

    ``opener`` returns a new binary stream at the start of the file; ``root`` is the folder that pictures are named
    relative to (None: pictures can only be named by address); ``changed`` is when the file was written.
    """

    def __init__(
        self,
        name: str,
        opener: Callable[[], IO[bytes]],
        *,
        size: int,
        root: Path | None = None,
        changed: int = 0,
        delimiter: str = "",
        encoding: str = "",
    ) -> None:
        self.name, self.size, self.root, self.changed = name, size, root, changed
        self._opener, self._delimiter, self._encoding = opener, delimiter, encoding
        self._raw: IO[bytes] | None = None
        self.compressed, self.format = _format_of(name)

    def position(self) -> int:
        """Return how many bytes of the file (compressed ones, if it is) have been read."""
        return self._raw.tell() if self._raw is not None and not self._raw.closed else 0

    def rows(self) -> Iterator[RawRow]:
        """Yield every record. Raises `SourceError` where the file is unreadable from some point on."""
        try:
            with self._opener() as raw:
                self._raw = raw
                stream = self._decompressed(raw)
                encoding = self._encoding or _encoding_of(stream.peek(_SAMPLE)[:_SAMPLE])
                errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
                text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")
                if self.format == "jsonl":
                    yield from _json_lines(_lines(text))
                elif self.format == "json":
                    yield from _json_array(text)
                else:
                    delimiter = self._delimiter or ("\t" if self.format == "tsv" else "")
                    yield from _csv_rows(_lines(text), delimiter)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise SourceError(f"{self.name} is cut off or damaged inside its compression: {error}.") from error
        except LookupError as error:
            raise SourceError(f"{self._encoding} is not the name of an encoding.") from error
        except UnicodeError as error:
            raise SourceError(f"{self.name} is not text in the encoding that it begins with: {error}.") from error

    def _decompressed(self, raw: IO[bytes]) -> io.BufferedReader:
        return io.BufferedReader(gzip.GzipFile(fileobj=raw) if self.compressed else raw, _SAMPLE)  # type: ignore[arg-type]


def open_source(path: Path, *, delimiter: str = "", encoding: str = "") -> Source:
    """Return the source for a file, or for a directory that holds one file ``products.*``. Raises `SourceError`."""
    path = Path(path)
    if path.is_dir():
        found = sorted(file for file in path.glob("products.*") if _is_catalogue(file))
        if len(found) != 1:
            names = ", ".join(file.name for file in found) or "none"
            raise SourceError(f"{path} should hold one file products.csv, .tsv, .jsonl or .json (.gz); found: {names}.")
        path = found[0]
    if not path.exists():
        raise SourceError(f"{path} does not exist.")
    if not path.is_file():
        raise SourceError(f"{path} is not a file.")
    return Source(
        path.name,
        lambda: path.open("rb"),
        size=path.stat().st_size,
        root=path.parent,
        changed=path.stat().st_mtime_ns,
        delimiter=delimiter,
        encoding=encoding,
    )


def _is_catalogue(file: Path) -> bool:
    try:
        _format_of(file.name)
    except SourceError:
        return False
    return file.is_file()


def _format_of(name: str) -> tuple[bool, str]:
    parts = name.lower().split(".")
    compressed = parts[-1] == "gz"
    if compressed:
        parts.pop()
    if parts[-1] not in FORMATS:
        raise SourceError(f"{name} is none of .csv, .tsv, .jsonl, .ndjson, .json (each also with .gz).")
    return compressed, FORMATS[parts[-1]]


def _encoding_of(sample: bytes) -> str:
    for bom, encoding in _BOMS:
        if sample.startswith(bom):
            return encoding
    # UTF-16 without a mark: every second byte of mostly Latin text is zero.
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) > len(sample) // 8 and min(even, odd) * 8 < max(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    return "utf-8"


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    problem: str = ""
    warning: str = ""


def _lines(stream: io.TextIOWrapper) -> Iterator[_Line]:
    number = 0
    while text := stream.readline(MAX_LINE + 1):
        number += 1
        if len(text) > MAX_LINE:
            while not text.endswith(("\n", "\r")) and (text := stream.readline(MAX_LINE)):
                pass
            yield _Line(number, "", f"the line has more than {MAX_LINE:,} characters")
        elif text.isascii():
            yield _Line(number, text)
        else:
            yield _repaired(number, text)


def _repaired(number: int, text: str) -> _Line:
    """Bytes that are no UTF-8 arrive as lone surrogates: such a line is read as Windows-1252, where it can be."""
    try:
        text.encode()
        return _Line(number, text)
    except UnicodeEncodeError:
        pass
    try:
        read = text.encode("utf-8", "surrogateescape").decode("cp1252")
    except UnicodeError:
        return _Line(number, "", "the line is neither UTF-8 nor Windows-1252")
    return _Line(number, read, warning="the line is not UTF-8 and was read as Windows-1252")


# CSV ------------------------------------------------------------------------------------------------------------


class _Feed:
    """Lines that can be put back to be read again."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self._lines, self._again = lines, deque[_Line]()

    def take(self) -> _Line | None:
        return self._again.popleft() if self._again else next(self._lines, None)

    def put_back(self, lines: list[_Line]) -> None:
        self._again.extendleft(reversed(lines))


def _csv_rows(lines: Iterator[_Line], delimiter: str) -> Iterator[RawRow]:
    csv.field_size_limit(MAX_LINE)
    feed = _Feed(lines)
    sample = [line for _ in range(20) if (line := feed.take())]
    feed.put_back(sample)
    delimiter = delimiter or _delimiter_of([line.text for line in sample])
    header: list[str] | None = None
    while first := feed.take():
        if first.problem:
            yield RawRow(first.number, problem=first.problem)
            continue
        if not first.text.strip():
            continue
        if '"' not in first.text:
            record, cells, problem = [first], first.text.rstrip("\r\n").split(delimiter), ""
        else:
            record, cells, problem = _quoted_record(first, feed, delimiter)
        if header is None:
            if problem:
                raise SourceError(f"The first line cannot be read as column names: {problem}.")
            header = _header_of(cells)
            continue
        while len(cells) > len(header) and not cells[-1].strip():
            cells.pop()
        if not problem and len(cells) != len(header):
            problem = f"the row has {len(cells)} cells, the first line names {len(header)} columns"
        if problem:
            # A quotation mark that is not closed swallows the lines behind it: they are read again by themselves.
            feed.put_back(record[1:])
            yield RawRow(first.number, problem="a quotation mark is not closed" if len(record) > 1 else problem)
            continue
        warning = next((line.warning for line in record if line.warning), "")
        values: dict[str, object] = {name: cell for name, cell in zip(header, cells, strict=True) if name}
        yield RawRow(first.number, values, warning=warning)


def _quoted_record(first: _Line, feed: _Feed, delimiter: str) -> tuple[list[_Line], list[str], str]:
    record: list[_Line] = []

    def texts() -> Iterator[str]:
        characters, line = 0, first
        while line:
            record.append(line)
            characters += len(line.text)
            if characters > MAX_LINE or line.problem:
                raise csv.Error("unexpected end")
            yield line.text
            line = feed.take()  # type: ignore[assignment]

    try:
        return record, next(csv.reader(texts(), delimiter=delimiter, strict=True)), ""
    except csv.Error as error:
        if "unexpected end" in str(error):
            return record, [], "a quotation mark is not closed"
        return record, [], f"quotation marks are not balanced ({error})"


def _header_of(cells: list[str]) -> list[str]:
    names = [cell.strip().lstrip("\ufeff") for cell in cells]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise SourceError(f"The first line names a column twice: {', '.join(twice)}.")
    return names


def _delimiter_of(sample: list[str]) -> str:
    """The candidate that splits the first lines into the most cells, and into equally many in each."""

    def score(delimiter: str) -> tuple[float, int]:
        try:
            counts = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        except csv.Error:
            return (0.0, 0)
        if not counts or counts[0] < 2:
            return (0.0, 0)
        return (counts.count(counts[0]) / len(counts), counts[0])

    best = max(DELIMITERS, key=score)
    return best if score(best)[1] else ","


# JSON -----------------------------------------------------------------------------------------------------------


def _json_lines(lines: Iterator[_Line]) -> Iterator[RawRow]:
    for line in lines:
        if line.problem:
            yield RawRow(line.number, problem=line.problem)
        elif text := line.text.strip():
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                yield RawRow(line.number, problem=f"the line is not JSON: {error}")
            else:
                yield _object(line.number, value, line.warning)


def _object(number: int, value: object, warning: str = "") -> RawRow:
    if not isinstance(value, dict):
        return RawRow(number, problem=f"a JSON object is expected, this is {_kind_of(value)}")
    return RawRow(number, value, warning=warning)


def _kind_of(value: object) -> str:
    kinds = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _json_array(stream: io.TextIOWrapper) -> Iterator[RawRow]:
    """Elements of one array, decoded one by one from a buffer that holds no more than one of them and a chunk."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    buffer = _more(stream).lstrip("\ufeff \t\r\n")
    if not buffer.startswith("["):
        raise SourceError("A .json file should hold one list of products; use .jsonl for one product a line.")
    buffer = buffer[1:]
    number = 0
    while True:
        buffer = buffer.lstrip(" \t\r\n,") or _more(stream).lstrip(" \t\r\n,")
        if not buffer:
            raise SourceError(f"The list of products ends without its bracket, behind element {number}.")
        if buffer.startswith("]"):
            return
        number += 1
        while True:
            try:
                value, end = decoder.raw_decode(buffer)
                break
            except (ValueError, RecursionError) as error:
                more = _more(stream) if len(buffer) <= MAX_LINE else ""
                if not more:
                    raise SourceError(f"Element {number} of the list cannot be read: {error}.") from error
                buffer += more
        yield _object(number, value)
        buffer = buffer[end:]


def _more(stream: io.TextIOWrapper) -> str:
    text = stream.read(_SAMPLE)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return text
