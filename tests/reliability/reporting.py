"""Figures into docs/reliability.md, between the marks of their section."""

import json
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def write_section(name: str, figures: dict[str, Any]) -> None:
    """Replace what stands between `<!-- name: begin -->` and `<!-- name: end -->` by the figures as JSON."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE.name} has no section between {begin} and {end}.")
    PAGE.write_text(f"{before}{begin}\n```json\n{json.dumps(figures, indent=1)}\n```\n{end}{after}", encoding="utf-8")
