"""The tables of a report as CSV, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from catalog.importing.report import guarded
from recommend.analytics import queries
from recommend.analytics.figures import by_column, by_day
from recommend.analytics.period import Period

MOST = 10_000  # rows of one file
Row = Sequence[Any]


def csv_of(period: Period, table: str, *, least: int) -> str:
    """One table of TABLES; queries that fewer than `least` visitors typed are left out. Raises KeyError.

    It begins with a byte order mark, which spreadsheets need for UTF-8.
    """
    columns, rows = TABLES[table]
    out = io.StringIO("\ufeff")
    out.seek(0, io.SEEK_END)
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows(period, least):
        writer.writerow(["" if cell is None else guarded(_short(cell)) for cell in row])
    return out.getvalue()


def _short(cell: Any) -> Any:
    return round(cell, 4) if isinstance(cell, float) else cell


def _queries(order: str) -> Callable[[Period, int], list[Row]]:
    def rows(period: Period, least: int) -> list[Row]:
        return [
            (
                each.query, each.searches, each.visitors, each.clicked, each.click_rate, each.position, each.carted,
                each.zero, each.took_ms, each.slowest_ms, each.last.isoformat(),
            )
            for each in queries.top(period, order, most=MOST, least=least)
        ]  # fmt: skip

    return rows


def _reformulations(period: Period, least: int) -> list[Row]:
    found = queries.reformulations(period, most=MOST, least=least)
    return [(each.query, each.then, each.times, each.visitors, each.found_before, each.found_after) for each in found]


def _trending(period: Period, least: int) -> list[Row]:
    found = queries.trending(period, most=MOST, least=least)
    return [(each.query, each.recent, each.expected, each.surprise) for each in found]


def _figures(of: dict[Any, Any]) -> list[Row]:
    return [
        (
            name, each.searches, each.known, each.clicked, each.click_rate, each.position, each.carted, each.bought,
            each.zero, each.zero_rate, each.took_ms,
        )
        for name, each in of.items()
    ]  # fmt: skip


_FIGURES = (
    "searches", "with consent", "with a click", "click-through rate", "mean first place", "into the cart", "bought",
    "without hits", "share without hits", "mean ms",
)  # fmt: skip
_QUERY = (
    "query", "searches", "visitors", "with a click", "click-through rate", "mean first place", "into the cart",
    "without hits", "mean ms", "slowest ms", "last",
)  # fmt: skip
TABLES: dict[str, tuple[Row, Callable[[Period, int], list[Row]]]] = {
    "top": (_QUERY, _queries("top")),
    "zero": (_QUERY, _queries("zero")),
    "slow": (_QUERY, _queries("slow")),
    "reformulations": (
        ("query", "followed by", "times", "visitors", "found something before", "found something after"),
        _reformulations,
    ),
    "trending": (("query", "searches lately", "expected", "standard deviations"), _trending),
    "days": (("day", *_FIGURES), lambda period, least: _figures(by_day(period))),
    "devices": (("device", *_FIGURES), lambda period, least: _figures(by_column(period, "device"))),
    "languages": (("language", *_FIGURES), lambda period, least: _figures(by_column(period, "language"))),
}
