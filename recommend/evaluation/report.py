"""The report of an evaluation: a table for people, and plots as SVG that follow the reader's light or dark theme."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

COLUMNS = {
    "hr@5": "HR@5",
    "ndcg@5": "NDCG@5",
    "hr@10": "HR@10",
    "ndcg@10": "NDCG@10",
    "mrr": "MRR",
    "coverage@10": "coverage@10",
    "novelty": "novelty (bits)",
    "diversity": "diversity",
    "gini_items": "Gini of exposure",
    "miscalibration": "miscalibration",
    "train_seconds": "training (s)",
    "ms_per_user": "ms per user",
}
WIDTH, ROW, LEFT, RIGHT = 640, 34, 120, 150
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2430}.bar{fill:#2f6fde}.range{stroke:#1f2430;stroke-width:1.5}"
    ".dot{fill:#2f6fde}.axis{stroke:#8a90a0}"
    "@media(prefers-color-scheme:dark){text{fill:#e8eaf0}.bar,.dot{fill:#7aa7ff}.range{stroke:#e8eaf0}}"
)


def write_report(told: dict[str, Any], folder: Path) -> list[Path]:
    """Write `table.md`, `accuracy.svg` and `coverage.svg` from what the command found; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    models = told["models"]
    parts = {
        "table.md": _table(told),
        "accuracy.svg": accuracy_plot(
            {name: (each["ndcg@10"], each["ndcg@10_interval"]) for name, each in models.items()}
        ),
        "coverage.svg": trade_plot({name: (each["coverage@10"], each["ndcg@10"]) for name, each in models.items()}),
    }
    for name, text in parts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in parts]


def _table(told: dict[str, Any]) -> str:
    models = told["models"]
    columns = [name for name in COLUMNS if any(name in each for each in models.values())]
    told_of = (
        f"{told['users']:,} users, {told['items']:,} items, {told['events']:,} events; {told['split']}, "
        f"ranking over all items, mean of {told['seeds']} seed{'s' if told['seeds'] > 1 else ''}.\n"
    )
    rows = [[name, *(_cell(column, each.get(column)) for column in columns)] for name, each in models.items()]
    text = told_of + "\n" + markdown(["model", *(COLUMNS[column] for column in columns)], rows)
    if "cold" in told:
        rows = [
            [name, _cell("hr@10", each.get("hr@10")), _cell("hr@10", each.get("hr@10_among_cold"))]
            for name, each in told["cold"].items()
        ]
        text += "\nItems that were kept out of training:\n\n"
        text += markdown(["model", "HR@10 among all", "HR@10 among them"], rows)
    return text


def _cell(column: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if column in ("train_seconds", "novelty") else f"{value:.4f}".removeprefix("0")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def accuracy_plot(figures: dict[str, tuple[float, Sequence[float]]], title: str = "NDCG@10") -> str:
    """Horizontal bars with their 95 % intervals, the best at the top."""
    ordered = sorted(figures.items(), key=lambda each: -each[1][0])
    most = max((high for _, (_, (_, high)) in ordered), default=1.0) or 1.0
    scale = (WIDTH - LEFT - RIGHT) / most
    parts = []
    for row, (name, (value, (low, high))) in enumerate(ordered):
        y, middle = 40 + row * ROW, 50 + row * ROW
        left, right = LEFT + low * scale, LEFT + high * scale
        parts.append(
            f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="bar" x="{LEFT}" y="{y}" width="{value * scale:.1f}" height="20" rx="3"/>'
            f'<line class="range" x1="{left:.1f}" x2="{right:.1f}" y1="{middle}" y2="{middle}"/>'
            f'<text x="{right + 8:.1f}" y="{y + 15}">{value:.4f}</text>'
        )
    return _svg(title, 50 + ROW * len(ordered), parts)


def trade_plot(figures: dict[str, tuple[float, float]]) -> str:
    """Accuracy upwards, coverage to the right: the upper right corner has both."""
    height = 380
    most = max((y for _, y in figures.values()), default=1.0) or 1.0
    parts = [
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height - 50}" y2="{height - 50}"/>',
        f'<line class="axis" x1="{LEFT}" x2="{LEFT}" y1="40" y2="{height - 50}"/>',
        f'<text x="{(WIDTH - RIGHT + LEFT) / 2}" y="{height - 15}" text-anchor="middle">coverage@10, 0 to 1</text>',
        f'<text x="{LEFT - 10}" y="50" text-anchor="end">{most:.3f}</text>',
    ]
    for name, (x, y) in figures.items():
        left, top = LEFT + x * (WIDTH - LEFT - RIGHT), height - 50 - y / most * (height - 100)
        parts.append(
            f'<circle class="dot" cx="{left:.1f}" cy="{top:.1f}" r="5"/>'
            f'<text x="{left + 9:.1f}" y="{top + 4:.1f}">{escape(name)}</text>'
        )
    return _svg("NDCG@10 against coverage", height, parts)


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    box = f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
        f'<style>{STYLE}</style><text x="10" y="22">{escape(title)}</text>{"".join(parts)}</svg>\n'
    )
