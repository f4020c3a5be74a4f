"""Plots of a comparison as inline SVG. Colours are classes of relevance.css; light and dark follow the theme."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from search.evaluation.moves import K

WIDTH, HEIGHT = 640, 180
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 24  # room for the labels
MOST_BARS = 400


def differences(rows: Sequence[tuple[str, float]], title: str) -> SafeString:
    """One bar for each (query, difference), ordered from loss to win. Empty without rows."""
    ordered = sorted(rows, key=lambda row: row[1])[:MOST_BARS]
    if not ordered:
        return SafeString("")
    most = max((abs(value) for _, value in ordered), default=0.0) or 1.0
    middle = TOP + (HEIGHT - TOP - BOTTOM) / 2
    half = (HEIGHT - TOP - BOTTOM) / 2
    step = (WIDTH - LEFT - RIGHT) / len(ordered)
    bars = format_html_join(
        "",
        '<rect class="relevance-bar" data-kind="{}" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        (
            (
                "win" if value > 0 else "loss" if value < 0 else "tie",
                round(LEFT + place * step, 2),
                round(middle - max(value, 0.0) / most * half, 2) - (0.5 if value == 0 else 0),
                round(max(step - 1, 0.5), 2),
                round(max(abs(value) / most * half, 1.0), 2),
                query,
                f"{value:+.4f}",
            )
            for place, (query, value) in enumerate(ordered)
        ),
    )
    ticks = [(middle - half, f"+{most:.2f}"), (middle, "0"), (middle + half, f"−{most:.2f}")]
    return _figure(title, _grid(ticks), bars, f"{len(ordered)} queries, worst first")


def histogram(shares: Sequence[float], title: str) -> SafeString:
    """How many queries change in how many of their first ten places. Empty without any."""
    if not shares:
        return SafeString("")
    counts = [0] * (K + 1)
    for share in shares:
        counts[round(share * K)] += 1
    most, step = max(counts), (WIDTH - LEFT - RIGHT) / len(counts)
    high = HEIGHT - TOP - BOTTOM
    bars = format_html_join(
        "",
        '<rect class="relevance-bar" data-kind="change" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
        '<text x="{}" y="{}" text-anchor="middle">{}</text>',
        (
            (
                round(LEFT + place * step + 2, 2),
                round(TOP + high * (1 - count / most), 2),
                round(step - 4, 2),
                round(high * count / most, 2),
                f"{count} {'query' if count == 1 else 'queries'} with {place} of {K} changed",
                round(LEFT + (place + 0.5) * step, 2),
                HEIGHT - 8,
                place,
            )
            for place, count in enumerate(counts)
        ),
    )
    return _figure(title, _grid([(TOP, str(most)), (TOP + high, "0")]), bars, "")


def intervals(measures: Mapping[str, Mapping[str, Any]], labels: Mapping[str, str], title: str) -> SafeString:
    """The difference of each measure with its 95 % interval; what does not touch 0 is marked as win or loss."""
    rows = [(labels.get(name, name), each) for name, each in measures.items()]
    if not rows:
        return SafeString("")
    most = max(max(abs(end) for end in each["interval"]) for _, each in rows) or 0.01
    left, row_height = 150, 30
    scale = (WIDTH - left - 90) / 2 / most
    zero = left + most * scale

    def x(value: float) -> float:
        return round(zero + value * scale, 2)

    drawn = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="end">{}</text>'
        '<line class="relevance-range" data-kind="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<circle class="relevance-dot" data-kind="{}" cx="{}" cy="{}" r="4"/><text x="{}" y="{}">{}</text>',
        (
            (
                left - 10, 34 + place * row_height, label,
                _kind(each), x(each["interval"][0]), x(each["interval"][1]), *[30 + place * row_height] * 2,
                _kind(each), x(each["difference"]), 30 + place * row_height,
                x(each["interval"][1]) + 8, 34 + place * row_height, f"{each['difference']:+.4f}",
            )
            for place, (label, each) in enumerate(rows)
        ),
    )  # fmt: skip
    high = 24 + len(rows) * row_height
    axis = format_html('<line class="relevance-axis" x1="{}" x2="{}" y1="8" y2="{}"/>', x(0), x(0), high)
    return _figure(title, axis, drawn, "", height=high + 6)


def _kind(each: Mapping[str, Any]) -> str:
    low, high = each["interval"]
    return "win" if low > 0 else "loss" if high < 0 else "tie"


def _grid(ticks: Sequence[tuple[float, str]]) -> SafeString:
    return format_html_join(
        "",
        '<line class="relevance-axis" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
        ((LEFT, WIDTH - RIGHT, round(y, 2), round(y, 2), LEFT - 6, round(y + 4, 2), text) for y, text in ticks),
    )


def _figure(title: str, grid: SafeString, drawn: SafeString, below: str, height: int = HEIGHT) -> SafeString:
    note = format_html('<text x="{}" y="{}">{}</text>', LEFT, height - 6, below) if below else ""
    return format_html(
        '<figure class="relevance-plot"><figcaption>{}</figcaption>'
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg></figure>',
        title, WIDTH, height, title, grid, drawn, note,
    )  # fmt: skip
