"""What the runs of the fault matrix found, and the table that is made of it.

As a script it writes the table: `python -m tests.faults.report RECORDS DOCUMENT`. Records are JSON, one cell a line.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.matrix import CELLS


@dataclass(frozen=True)
class Cell:
    """One part with one fault. Texts say what was observed in this run, figures what was counted in it."""

    part: str
    fault: str
    shopper_sees: str
    retried: str
    acknowledged: int  # writes that were answered with success, or messages taken, before, in and after the fault
    lost: int  # of these, not found afterwards
    doubled: int  # effects found more than once


def append(cell: Cell, records: Path) -> None:
    with records.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(cell), ensure_ascii=False) + "\n")


def read(records: Path) -> list[Cell]:
    """The last record of each cell, in the order of the matrix; raises ValueError where one is missing or unknown."""
    found = {(cell.part, cell.fault): cell for cell in _lines(records)}
    if missing := [cell for cell in CELLS if cell not in found]:
        raise ValueError(f"These cells were not run: {missing}")
    if unknown := found.keys() - set(CELLS):
        raise ValueError(f"These cells are not in tests/faults/matrix.py: {sorted(unknown)}")
    return [found[cell] for cell in CELLS]


def _lines(records: Path) -> list[Cell]:
    return [Cell(**json.loads(line)) for line in records.read_text(encoding="utf-8").splitlines()]


def table(cells: list[Cell]) -> str:
    rows = [
        "| part | fault | what a shopper sees | what is retried | acknowledged | lost | done twice |",
        "| --- | --- | --- | --- | ---: | ---: | ---: |",
    ]
    for cell in cells:
        texts = (cell.part, cell.fault, cell.shopper_sees, cell.retried)
        figures = (cell.acknowledged, cell.lost, cell.doubled)
        rows.append("| " + " | ".join([*(text.replace("|", "\\|") for text in texts), *map(str, figures)]) + " |")
    total = [sum(getattr(cell, name) for cell in cells) for name in ("acknowledged", "lost", "doubled")]
    rows.append("| " + " | ".join([f"all {len(cells)} cells", "", "", "", *map(str, total)]) + " |")
    return "\n".join(rows)


def put(document: Path, name: str, text: str) -> None:
    """Replace what stands between `<!-- name: begin -->` and `<!-- name: end -->`."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, begun, rest = document.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"{document} lacks the marks {begin} and {end}")
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    try:
        put(Path(sys.argv[2]), "faults", table(read(Path(sys.argv[1]))))
    except ValueError as error:
        sys.exit(str(error))
