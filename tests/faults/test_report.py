"""The table tells what was recorded, of every cell and of no other."""

from pathlib import Path

import pytest

from tests.faults.matrix import CELLS
from tests.faults.report import Cell, append, put, read, table


def cell(part: str, fault: str, **other: int) -> Cell:
    figures = {"acknowledged": 3, "lost": 0, "doubled": 0} | other
    return Cell(part, fault, shopper_sees="search 200", retried="a|b", **figures)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    file = tmp_path / "records.jsonl"
    for part, fault in reversed(CELLS):
        append(cell(part, fault), file)
    return file


def test_the_table_has_every_cell_in_order_and_the_sums(records: Path) -> None:
    lines = table(read(records)).splitlines()
    assert [tuple(line.split(" | ")[:2]) for line in lines[2:-1]] == [(f"| {part}", fault) for part, fault in CELLS]
    assert "a\\|b" in lines[2]
    assert lines[-1].endswith(f"| {3 * len(CELLS)} | 0 | 0 |")


def test_a_cell_that_was_not_run_is_told(records: Path) -> None:
    records.write_text("".join(records.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(ValueError, match="were not run"):
        read(records)


def test_a_cell_that_nobody_listed_is_told(records: Path) -> None:
    append(cell("moon", "eclipse"), records)
    with pytest.raises(ValueError, match="moon"):
        read(records)


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    page = "before\n<!-- faults: begin -->\n{}\n<!-- faults: end -->\nafter\n"
    document.write_text(page.format("old"))
    put(document, "faults", "new")
    assert document.read_text() == page.format("new")
    with pytest.raises(ValueError, match="kills"):
        put(document, "kills", "new")
