"""The report on searches as its page shows it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from recommend.admin.plots import Line, plot
from recommend.analytics import queries
from recommend.analytics.figures import Figures, by_column, by_day, figures, slow_from
from recommend.analytics.period import Period

DEVICES = ("phone", "tablet", "desktop", "app")
TABLES = {
    "top": ("Most searched", "What visitors search for, and what becomes of it."),
    "zero": ("Without hits", "Queries that never found anything: words to teach, or goods to buy in."),
    "reformulations": ("Reformulations", "Which query the same visitor typed within five minutes of another."),
    "trending": ("Trending", "Asked more in the last seven days than the four weeks before them let expect."),
    "slow": ("Slowest", "Queries by the time that their search took."),
}


@dataclass(frozen=True)
class Tile:
    name: str
    value: str
    change: str  # since the period before
    good: bool | None  # whether that is good news; None: neither


def report(period: Period, table: str, *, least: int) -> dict[str, Any]:
    """All that the page shows, in a fixed number of queries; but queries that fewer than `least` visitors typed."""
    table = table if table in TABLES else "top"
    now, before, days = figures(period), figures(period.before), by_day(period)
    labels = [day.strftime("%-d %b %Y") for day in days]
    return {
        "period": period,
        "before": period.before,
        "empty": not now.searches,
        "tiles": _tiles(now, before, slow_from(period)),
        "searches_plot": plot(
            [
                Line("searches", "new", [float(each.searches) for each in days.values()]),
                Line("without hits", "live", [float(each.zero) for each in days.values()]),
            ],
            labels, "Searches a day", "{:,.0f}".format,
        ),
        "rates_plot": plot(
            [
                Line("with a click", "new", [each.click_rate for each in days.values()]),
                Line("into the cart", "live", [each.cart_rate for each in days.values()]),
                Line("without hits", "loss", [each.zero_rate for each in days.values()]),
            ],
            labels, "Share of the searches", "{:.1%}".format,
        ),
        "devices": by_column(replace(period, device=""), "device").items(),
        "languages": by_column(replace(period, language=""), "language").items(),
        "device_choices": DEVICES,
        "tables": [(name, title) for name, (title, _) in TABLES.items()],
        "table": table,
        "about": TABLES[table][1],
        "rows": _rows(period, table, least),
    }  # fmt: skip


def _rows(period: Period, table: str, least: int) -> list[Any]:
    if table == "reformulations":
        return [(each, _synonym(f"{each.query}, {each.then}")) for each in queries.reformulations(period, least=least)]
    if table == "trending":
        return queries.trending(period, least=least)
    found = queries.top(period, table, least=least)
    return [(each, _synonym(each.query), _rule(each.query), _page(each.query)) for each in found]


def _page(query: str) -> str:
    return f"{reverse('shop:search')}?{urlencode({'q': query})}"


def _synonym(words: str) -> str:
    return _form("admin:search_synonym_add", words=words)


def _rule(query: str) -> str:
    return _form("admin:search_rule_add", name=query, match="exact", queries=query)


def _form(form: str, /, **values: str) -> str:
    """A form of the admin with its fields filled in; an empty address where there is no such form."""
    try:
        return f"{reverse(form)}?{urlencode(values)}"
    except NoReverseMatch:
        return ""


def _tiles(now: Figures, before: Figures, slow: float | None) -> list[Tile]:
    count, share = "{:,}".format, "{:.1%}".format
    return [
        _tile("Searches", now.searches, before.searches, count, None),
        _tile("Click-through rate", now.click_rate, before.click_rate, share, True),
        _tile("Place of the first click", now.position, before.position, "{:.1f}".format, False),
        _tile("Without hits", now.zero_rate, before.zero_rate, share, False),
        _tile("Into the cart", now.cart_rate, before.cart_rate, share, True),
        _tile("Bought", now.buy_rate, before.buy_rate, share, True),
        Tile("95 % within", "–" if slow is None else f"{slow:,.0f} ms", "", None),
    ]


def _tile(
    name: str, now: float | None, before: float | None, form: Callable[[float], str], more_is_good: bool | None
) -> Tile:
    value = "–" if now is None else form(now)
    if now is None or not before:
        return Tile(name, value, "", None)
    change = now / before - 1
    good = None if more_is_good is None or abs(change) < 0.005 else (change > 0) == more_is_good
    return Tile(name, value, f"{change:+.0%}", good)
