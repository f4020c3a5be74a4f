"""Logs of other systems into the event log: tables of events, and lines of `user item item item`.

Nothing is held but one batch. An event's id is made from what it says, so that a log that is imported again, or went in
by half, adds what is new and nothing twice.
"""

import gzip
import io
import uuid
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils import timezone

from catalog.importing.readers import SourceError, open_source
from catalog.importing.report import Outcome, ReportFiles, RowResult
from recommend.events import partitions
from recommend.events.drafts import KINDS, LONGEST_NAME, LONGEST_SKU, DraftError, EventDraft, check_text
from recommend.events.log import oldest_kept, record
from recommend.events.models import Event, Shopper
from recommend.events.parsing import FIELDS, draft_of
from recommend.events.partitions import Month
from recommend.events.shoppers import by_keys, of_name

BATCH = 2000
SEQUENCES = (".txt", ".seq", ".dat")
LONGEST_LINE = 4_000_000
APART = timedelta(hours=1)  # events of a line without times: far enough to be no double clicks
_IDS = uuid.UUID("2f3c1d55-0a0e-4d0c-8a54-7b8f5d7f9c11")  # RFC 9562, version 5
# What logs call the fields, compared in small letters without spaces, - and _. Of two columns the first one counts.
NAMES = {
    "user": ("user", "userid", "shopper", "shopperid", "customer", "customerid", "visitor", "visitorid", "reviewerid"),
    "sku": ("sku", "item", "itemid", "product", "productid", "asin", "parentasin", "articleid"),
    "kind": ("kind", "event", "eventtype", "eventname", "action", "behavior", "behaviour", "type"),
    "happened_at": ("happenedat", "timestamp", "time", "eventtime", "datetime", "date", "unixreviewtime", "ts", "tdat"),
    "value": ("value", "rating", "overall", "price"),
    "session": ("session", "sessionid", "usersession"),
    "basket": ("basket", "basketid", "order", "orderid", "transactionid", "invoiceno"),
    "query": ("query", "searchterm", "q"),
}
MAPPABLE = tuple(sorted({*FIELDS, *NAMES}))
RATINGS = ("rating", "overall")
CALLED = {  # what logs call the kinds
    "pageview": "view", "detail": "view", "viewitem": "view", "pv": "view",
    "addtocart": "cart", "addcart": "cart", "basket": "cart",
    "removefromcart": "remove",
    "transaction": "purchase", "buy": "purchase", "order": "purchase", "bought": "purchase",
    "dislike": "not-for-me", "notforme": "not-for-me", "fav": "like",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a log: where it stood, whose it is, and what it says or why it cannot be read."""

    number: int
    user: str = ""
    draft: EventDraft | None = None
    sku: str = ""
    problem: str = ""


@dataclass
class Report:
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    shoppers: int = 0  # who were not known before
    last_line: int = 0
    problem: str = ""  # why reading stopped before the end
    ignored: list[str] = field(default_factory=list)  # columns of unknown meaning
    report: str = ""  # the file with the rejected lines


class Log:
    """A file of events. `kind` is that of events that do not say theirs; `mapping` names a field's column."""

    def __init__(
        self,
        path: Path,
        *,
        kind: str = "",
        mapping: Mapping[str, str] | None = None,
        sequences: bool | None = None,
        until: datetime | None = None,
    ) -> None:
        self.path, self._kind, self._mapping, self._until = path, kind, dict(mapping or {}), until
        bare = path.with_suffix("") if path.suffix.lower() == ".gz" else path
        self.sequences = bare.suffix.lower() in SEQUENCES if sequences is None else sequences
        if not path.is_file():
            raise SourceError(f"{path} is not a file.")
        if self.sequences and self._mapping:
            raise SourceError("Lines of a user and items have no columns that could be named.")
        if unknown := next((name for name in self._mapping if name not in MAPPABLE), None):
            raise SourceError(f"{unknown} is no field of an event; known are: {', '.join(MAPPABLE)}.")
        self.size = path.stat().st_size
        self.ignored: list[str] = []
        self._raw: Any = None
        self._source = None if self.sequences else open_source(path)

    def position(self) -> int:
        """Return how many bytes of the file were read."""
        if self._source:
            return self._source.position()
        return self._raw.tell() if self._raw is not None and not self._raw.closed else 0

    def lines(self) -> Iterator[Line]:
        """Yield every event. Raises `SourceError` where the file is unreadable from some point on."""
        return self._sequences() if self.sequences else self._table()

    # user item item item ------------------------------------------------------------------------------------------

    def _sequences(self) -> Iterator[Line]:
        until = self._until or datetime.fromtimestamp(self.path.stat().st_mtime).astimezone()
        kind = self._kind or Event.Kind.VIEW
        try:
            with self.path.open("rb") as self._raw:
                binary = gzip.GzipFile(fileobj=self._raw) if self.path.suffix.lower() == ".gz" else self._raw
                text = io.TextIOWrapper(binary, encoding="utf-8", errors="surrogateescape")
                number = 0
                while line := text.readline(LONGEST_LINE + 1):
                    number += 1
                    if len(line) > LONGEST_LINE:
                        raise SourceError(f"Line {number} has more than {LONGEST_LINE:,} characters.")
                    user, *items = line.replace(",", " ").split() or [""]
                    if problem := _problem_of(user, items):
                        yield Line(number, problem=problem)
                        continue
                    for index, item in enumerate(items):
                        at = until - APART * (len(items) - 1 - index)
                        made = uuid.uuid5(_IDS, f"{_safe(user)}\0{index}\0{_safe(item)}")
                        yield Line(number, user, EventDraft(kind, sku=item, event_id=made, happened_at=at), item)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise SourceError(f"{self.path.name} is cut off or damaged inside its compression: {error}.") from error

    # Tables -------------------------------------------------------------------------------------------------------

    def _table(self) -> Iterator[Line]:
        assert self._source is not None  # noqa: S101  (all but sequences have one)
        columns: dict[str, str] = {}
        rated = False
        for row in self._source.rows():
            if row.problem:
                yield Line(row.line, problem=row.problem)
                continue
            if not columns:
                self._check_mapped(row.values)
            if new := [name for name in row.values if name not in columns]:
                columns |= self._meanings(new, taken=set(columns.values()))
                rated = any(_plain(name) in RATINGS for name, meaning in columns.items() if meaning == "value")
            values = {columns[name]: value for name, value in row.values.items() if columns[name]}
            yield self._event(row.line, values, Event.Kind.RATING if rated else Event.Kind.VIEW)

    def _check_mapped(self, columns: Collection[str]) -> None:
        """Raise `SourceError` for a column that the head of a table lacks; an object may lack any key."""
        assert self._source is not None  # noqa: S101  (all but sequences have one)
        for name, column in self._mapping.items():
            if self._source.format not in ("json", "jsonl") and column not in columns:
                raise SourceError(f"There is no column {column!r} for {name}; there are: {', '.join(columns)}.")

    def _meanings(self, names: Iterable[str], taken: set[str]) -> dict[str, str]:
        """From each column to the field that it holds, or to "" for none."""
        found: dict[str, str] = {}
        chosen = {column: name for name, column in self._mapping.items()}
        for name in names:
            meaning = chosen.get(name) or next((known for known in (*FIELDS, *NAMES) if _fits(name, known)), "")
            if meaning in taken | set(self._mapping) and name not in chosen:
                meaning = ""
            found[name] = meaning
            taken.add(meaning)
            if not meaning:
                self.ignored.append(name)
        return found

    def _event(self, number: int, values: dict[str, Any], otherwise: str) -> Line:
        user = str(values.pop("user", "") or values.get("session") or "").strip()
        sku = str(values.get("sku") or "")[:LONGEST_SKU]
        kind = str(values.get("kind") or self._kind or otherwise).strip()
        values["kind"] = kind if kind in KINDS else CALLED.get(_plain(kind), kind.lower())
        try:
            check_text("user", user, LONGEST_NAME)
            draft = draft_of(values, naive_is_utc=True)
            if draft.happened_at is None:
                raise DraftError("The row says no time.")
            if not values.get("event_id"):
                said = (user, draft.kind, draft.sku, draft.happened_at.isoformat(), draft.query, draft.basket)
                draft = replace(draft, event_id=uuid.uuid5(_IDS, "\0".join(map(_safe, said))))
        except DraftError as error:
            return Line(number, user, sku=sku, problem=str(error))
        return Line(number, user, draft, sku)


def run(log: Log, *, report_to: Path | None = None, progress: Callable[[Report], None] = lambda report: None) -> Report:
    """Record all of a log, batch by batch, each batch in a fixed number of queries."""
    report = Report()
    with ReportFiles(report_to) as files:
        lines = log.lines()
        while not report.problem:
            batch: list[Line] = []
            try:
                batch.extend(islice(lines, BATCH))
            except SourceError as error:
                report.problem = str(error)
            if not batch:
                break
            files.add(_record(batch, report))
            progress(report)
        report.report = files.path
    report.ignored = log.ignored
    return report


def _record(batch: list[Line], report: Report) -> list[RowResult]:
    """Record what can be read of a batch; return what was rejected."""
    readable = [line for line in batch if line.draft]
    keys = {line.user: of_name(line.user) for line in readable if line.user}
    known = Shopper.objects.filter(key__in=set(keys.values())).count()
    shoppers = by_keys(keys.values())
    report.shoppers += len(shoppers) - known
    drafts = [
        replace(line.draft, shopper=shoppers[keys[line.user]] if line.user else None) for line in readable if line.draft
    ]
    # Made before they are needed: events would go into the default partition, and move from there another day.
    now = timezone.now()
    times = [draft.happened_at for draft in drafts if draft.happened_at]
    partitions.make({Month.of(at) for at in times if oldest_kept(now) <= at <= now})
    recorded = record(drafts)
    reasons = {id(readable[index]): reason for index, reason in recorded.rejected}
    rejected = [
        RowResult(line.number, line.sku, Outcome.REJECTED, line.problem or reasons[id(line)])
        for line in batch
        if line.problem or id(line) in reasons
    ]
    report.accepted += recorded.accepted
    report.duplicates += recorded.duplicates
    report.rejected += len(rejected)
    report.last_line = batch[-1].number
    return rejected


def _problem_of(user: str, items: list[str]) -> str:
    """What is wrong with a line of a user and items; a line of nothing is none."""
    if not user or items:
        try:
            check_text("user", user, LONGEST_NAME)
        except DraftError as error:
            return str(error)
        return ""
    return "A line is a user and the items behind it."


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "").replace("-", "").replace(" ", "")


def _fits(column: str, field_name: str) -> bool:
    return _plain(column) == _plain(field_name) or _plain(column) in NAMES.get(field_name, ())


def _safe(text: str) -> str:
    """What an id can be made from, whatever bytes the file holds."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
