"""One process' clock jumps by six hours while the shop is used, and is put right again."""

import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Record
from tests.faults.running import Fault, run
from tests.faults.site import FaultSite

pytestmark = [pytest.mark.faults, pytest.mark.own_parts]

PARTS = {"web": "web", "encode worker": "encode", "beat": "beat"}
JUMPS = {"6 h ahead": 6 * 3600, "6 h behind": -6 * 3600}  # seconds


class Clock:
    """What stands between a process and its clock (clock.c), and the file that says how far this is off."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("there is no C compiler (apt-get install gcc)")
        library, self._file = folder / "clock.so", folder / "clock"
        source = Path(__file__).with_name("clock.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
        self.environment = [f"LD_PRELOAD={library}", f"CLOCK_JUMP={self._file}"]
        self.jump(0)

    def jump(self, seconds: int) -> None:
        # In place: the processes have the file mapped.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(params=PARTS)
def part(request: pytest.FixtureRequest, site: FaultSite, clock: Clock) -> Iterator[str]:
    """A part that takes the time from `clock`."""
    name = PARTS[request.param]
    plain = site.parts[name].command
    site.parts[name].command = ["env", *clock.environment, *plain]
    site.restart(name)
    site.wait_for(site.works)
    yield str(request.param)
    clock.jump(0)
    site.parts[name].command = plain
    site.restart(name)
    site.wait_for(site.works)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_jumps(site: FaultSite, record: Record, clock: Clock, part: str, jump: str) -> None:
    def begin() -> None:
        clock.jump(JUMPS[jump])

    run(site, record, Fault(f"clock of {part}", jump, begin, lambda: clock.jump(0), seconds=10))
