"""Small line plots as inline SVG. Colours are classes of admin.css, so that light and dark follow the theme."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 480, 160
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 22  # room for the labels


@dataclass(frozen=True)
class Line:
    """One line; `kind` picks its colour: "new", "live" or "loss". None interrupts it."""

    name: str
    kind: str
    values: Sequence[float | None]


def plot(
    lines: Sequence[Line], labels: Sequence[str], title: str, form: Callable[[float], str] = "{:.3f}".format
) -> SafeString:
    """Draw lines over the same places; `labels` are told at the first and the last, and in the dots' titles.

    `form` writes the values of the axis and the dots.

    Returns an empty string where there is nothing to draw.
    """
    numbers = [value for line in lines for value in line.values if value is not None]
    if not numbers or not labels:
        return SafeString("")
    low, high = min(0.0, *numbers), max(numbers)
    span = (high - low) or 1.0
    step = (WIDTH - LEFT - RIGHT) / max(len(labels) - 1, 1)

    def x(place: int) -> float:
        return round(LEFT + place * step, 1)

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / span), 1)

    drawn = []
    for line in lines:
        points = [(place, value) for place, value in enumerate(line.values) if value is not None]
        if not points:
            continue
        path = " ".join(f"{x(place)},{y(value)}" for place, value in points)
        drawn.append(format_html('<polyline class="recommend-line" data-kind="{}" points="{}"/>', line.kind, path))
        if len(points) <= 40:
            dots = ((line.kind, x(place), y(value), line.name, labels[place], form(value)) for place, value in points)
            mark = (
                '<circle class="recommend-dot" data-kind="{}" cx="{}" cy="{}" r="3"><title>{}, {}: {}</title></circle>'
            )
            drawn.append(format_html_join("", mark, dots))
    ticks = format_html_join(
        "",
        '<line class="recommend-grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (LEFT, WIDTH - RIGHT, y(value), y(value), LEFT - 6, y(value) + 4, form(value))
            for value in (low, low + span / 2, low + span)
        ),
    )
    ends = format_html(
        '<text x="{}" y="{}">{}</text><text x="{}" y="{}" text-anchor="end">{}</text>',
        LEFT, HEIGHT - 6, labels[0], WIDTH - RIGHT, HEIGHT - 6, labels[-1] if len(labels) > 1 else "",
    )  # fmt: skip
    legend = format_html_join(
        "",
        '<li data-kind="{}">{}</li>',
        ((line.kind, line.name) for line in lines if any(v is not None for v in line.values)),
    )
    return format_html(
        '<figure class="recommend-plot"><figcaption>{}</figcaption>'
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg><ul>{}</ul></figure>',
        title, WIDTH, HEIGHT, title, ticks, ends, SafeString("".join(drawn)), legend,
    )  # fmt: skip
