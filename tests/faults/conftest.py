"""The matrix' own fixtures. What its cells find goes into the file that FAULT_RECORDS names."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.faults.report import Cell, append

if TYPE_CHECKING:
    from tests.faults.site import FaultSite

RECORDS = os.environ.get("FAULT_RECORDS", "")


class Record(Protocol):
    def __call__(
        self, *, part: str, fault: str, shopper_sees: str, retried: str, acknowledged: int, lost: int, doubled: int
    ) -> None: ...


@pytest.fixture
def record() -> Record:
    """Notes what a cell of the matrix found; a cell that lost or doubled something fails."""

    def note(**found: str | int) -> None:
        cell = Cell(**found)  # type: ignore[arg-type]  # `Record` has the types
        if RECORDS:
            append(cell, Path(RECORDS))
        assert cell.acknowledged > 0, f"{cell}: where nothing was acknowledged, nothing can be lost"
        assert cell.lost == 0, cell
        assert cell.doubled == 0, cell

    return note


@pytest.fixture(scope="session")
def site() -> Iterator["FaultSite"]:
    """One shop for all cells; each mends what it broke."""
    from tests.faults.site import fault_site  # which cells without a shop can do without

    # Not pytest's own folder, which PostgreSQL's user may not enter.
    with tempfile.TemporaryDirectory(prefix="vetrina-faults-") as folder, fault_site(Path(folder)) as running:
        yield running
