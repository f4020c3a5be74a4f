"""Series over time as a plain SVG, below each other, for the documentation."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, LEFT, RIGHT, HEIGHT, GAP, TOP = 900, 60, 170, 170, 60, 30
COLOURS = ("#2f6fde", "#c2410c", "#15803d", "#7c3aed", "#be185d", "#0e7490", "#a16207", "#475569", "#dc2626", "#65a30d")
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1f2430}.title{font-weight:600}.axis{stroke:#8a90a0;fill:none}"
    "@media(prefers-color-scheme:dark){text{fill:#e8eaf0}}"
)
Series = Mapping[str, Sequence[tuple[float, float]]]  # name -> (minutes, value)


def svg(title: str, panels: Mapping[str, Series]) -> str:
    """`panels`: heading with its unit -> its lines. All have the same minutes below them."""
    last = max((x for lines in panels.values() for points in lines.values() for x, _ in points), default=1.0) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {TOP + len(panels) * (HEIGHT + GAP)}" '
        f'role="img" aria-label="{escape(title)}"><style>{STYLE}</style>'
    ]
    for number, (heading, lines) in enumerate(panels.items()):
        parts.append(_panel(heading, lines, last, TOP + number * (HEIGHT + GAP)))
    return "".join([*parts, "</svg>\n"])


def _panel(heading: str, lines: Series, last: float, top: float) -> str:
    most = max((y for points in lines.values() for _, y in points), default=1.0) * 1.05 or 1.0
    right, bottom = WIDTH - RIGHT, top + HEIGHT
    parts = [
        f'<text class="title" x="{LEFT}" y="{top - 8}">{escape(heading)}</text>',
        f'<path class="axis" d="M{LEFT} {top}V{bottom}H{right}"/>',
        f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{most:.0f}</text>',
        f'<text x="{LEFT - 6}" y="{bottom}" text-anchor="end">0</text>',
        f'<text x="{right}" y="{bottom + 16}" text-anchor="end">{last:.0f} min</text>',
    ]
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = " ".join(f"{LEFT + x / last * (right - LEFT):.1f},{bottom - y / most * HEIGHT:.1f}" for x, y in points)
        parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{right + 12}" y="{top + 10 + 15 * number}" style="fill:{colour}">{escape(name)}</text>')
    return "".join(parts)
