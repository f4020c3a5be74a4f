"""Figures into docs/reliability.md, between the marks of their section."""

import json
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def write_section(name: str, figures: dict[str, Any], text: str = "") -> None:
    """Replace what stands between `<!-- name: begin -->` and `<!-- name: end -->` by `text` and the figures as JSON."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE.name} has no section between {begin} and {end}.")
    shown = f"{text}```json\n{_compact(figures)}\n```"
    PAGE.write_text(f"{before}{begin}\n{shown}\n{end}{after}", encoding="utf-8")


def _compact(figures: dict[str, Any]) -> str:
    """One figure a line."""
    lines = (f" {json.dumps(name)}: {json.dumps(value)}" for name, value in figures.items())
    return "{\n" + ",\n".join(lines) + "\n}"
