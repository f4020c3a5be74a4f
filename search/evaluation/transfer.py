"""Judgments as CSV (query, sku, grade), in and out of a set; and queries as lines."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from catalog.importing.report import guarded, unguarded
from search.evaluation.relevance import JudgmentsError, read_rows
from search.models import JudgedQuery, Judgment, JudgmentSet
from search.models.judgments import BEST

COLUMNS = ("query", "sku", "grade", "judge")
MOST_ROWS = 200_000
MOST_QUERIES = 5000  # of a set


class _Echo:
    """A file that hands every line straight back, so that a long export never lies in memory."""

    def write(self, line: str) -> str:
        return line


@dataclass(frozen=True)
class Imported:
    queries: int  # new ones
    judgments: int  # new and changed ones


def csv_of(judged: JudgmentSet) -> Iterator[str]:
    """Yield line by line, queries without judgments too. A cell that a spreadsheet would run is written as text."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    rows = Judgment.objects.filter(query__set=judged).order_by("query__position", "query_id", "judge", "pk")
    for query, sku, grade, judge in rows.values_list("query__text", "sku", "grade", "judge").iterator(chunk_size=2000):
        yield writer.writerow([guarded(query), guarded(sku), grade, guarded(judge)])


def import_csv(judged: JudgmentSet, content: bytes, judge: str, name: str = "the file") -> Imported:
    """Read `query,sku,grade` into a set as the judgments of `judge`; all of it or nothing.

    A pair that this judge has judged takes the new grade. Raises JudgmentsError with the line at fault.
    """
    try:
        text = content.decode("utf-8-sig").replace("\0", "")  # no database takes it
        rows = [(unguarded(query), unguarded(sku), grade) for query, sku, grade in _bounded(text, name)]
    except (UnicodeDecodeError, csv.Error, AttributeError) as error:
        raise JudgmentsError(f"{name} is no CSV in UTF-8: {error}") from error
    if not rows:
        raise JudgmentsError(f"{name} holds no judgments.")
    for query, sku, grade in rows:
        if not query or not sku or len(query) > 300 or len(sku) > 64 or grade > BEST:
            raise JudgmentsError(
                f"{name}: every row needs a query of at most 300 characters, a sku of at most 64 and a grade from 0 to "
                f"{BEST}; {query[:40]!r}, {sku[:40]!r}, {grade} is none."
            )
    with transaction.atomic():
        added = add_queries(judged, (query for query, _, _ in rows))
        by_text = dict(judged.queries.values_list("text", "pk"))
        latest = {(by_text[query], sku): grade for query, sku, grade in rows}
        now = timezone.now()
        Judgment.objects.bulk_create(
            [
                Judgment(query_id=query, sku=sku, judge=judge, grade=grade, judged_at=now)
                for (query, sku), grade in latest.items()
            ],
            batch_size=500,
            update_conflicts=True,
            unique_fields=["query", "sku", "judge"],
            update_fields=["grade", "judged_at"],
        )
    return Imported(added, len(latest))


def _bounded(text: str, name: str) -> Iterator[tuple[str, str, int]]:
    for number, row in enumerate(read_rows(io.StringIO(text, newline=""), name)):
        if number >= MOST_ROWS:
            raise JudgmentsError(f"{name} has more than {MOST_ROWS:,} rows; split it.")
        yield row


def add_queries(judged: JudgmentSet, texts: Iterable[str]) -> int:
    """Append queries that the set lacks; empty ones are left out. Return how many came. Raises JudgmentsError."""
    wanted = dict.fromkeys(" ".join(text.split()) for text in texts)
    known = set(judged.queries.values_list("text", flat=True))
    new = [text for text in wanted if text and text not in known]
    if any(len(text) > 300 for text in new):
        raise JudgmentsError("A query has at most 300 characters.")
    if len(known) + len(new) > MOST_QUERIES:
        raise JudgmentsError(f"A set has at most {MOST_QUERIES:,} queries; make a second one.")
    JudgedQuery.objects.bulk_create(
        [JudgedQuery(set=judged, text=text, position=position) for position, text in enumerate(new, start=len(known))],
        batch_size=500,
    )
    return len(new)
