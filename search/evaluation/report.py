"""What an evaluation found, as tables for people and as files for programs."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from catalog.importing.report import guarded

Rows = Sequence[Mapping[str, Any]]


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns as wide as they need to be: the first to the left, numbers with four digits to the right."""
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return " – ".join(map(_cell, value))
    return str(value)


def write(folder: Path, told: Mapping[str, Any]) -> list[Path]:
    """Write `figures.json` with everything and `per_query.csv` with its rows; return both. Raises OSError."""
    per_query: Rows = told["per_query"]
    folder.mkdir(parents=True, exist_ok=True)
    figures, queries = folder / "figures.json", folder / "per_query.csv"
    figures.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    with queries.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        names = list(dict.fromkeys(name for row in per_query for name in row))
        writer.writerow(names)
        for row in per_query:
            writer.writerow([_value(row.get(name, "")) for name in names])
    return [figures, queries]


def _value(value: Any) -> Any:
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return guarded(value) if isinstance(value, str) else value
