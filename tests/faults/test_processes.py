"""Processes of the shop end while it is used, at once (kill -9) or in order (SIGTERM), and are started again."""

import os
import signal

import pytest

from tests.faults.conftest import Record
from tests.faults.running import Fault, run
from tests.faults.shopper import CUT_OFF, NOBODY
from tests.faults.site import FaultSite

pytestmark = [pytest.mark.faults, pytest.mark.own_parts]

PARTS = {"web": "web", "encode worker": "encode", "default worker": "io", "beat": "beat"}
SIGNALS = {"kill -9": signal.SIGKILL, "SIGTERM": signal.SIGTERM}


@pytest.fixture(scope="module", autouse=True)
def _embedded(site: FaultSite) -> None:
    assert site.settings["QDRANT_URL"] == "", "these come first"


@pytest.mark.parametrize("how", SIGNALS)
@pytest.mark.parametrize("part", PARTS)
def test_a_process_ends(site: FaultSite, record: Record, part: str, how: str) -> None:
    def end() -> None:
        process = site.parts[PARTS[part]].process
        assert process is not None
        if how == "kill -9":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.terminate()

    # What a stopping server has accepted it answers; what waits to be accepted when it closes its door is cut off.
    allowed = frozenset({NOBODY, CUT_OFF} if part == "web" else ())
    run(site, record, Fault(part, how, end, seconds=10 if part == "web" else 6, allowed=allowed))


@pytest.mark.parametrize("how", SIGNALS)
def test_the_embedded_vector_store_ends(site: FaultSite, record: Record, how: str) -> None:
    run(site, record, Fault("vectord", how, lambda: os.kill(site.vectord_pid(), SIGNALS[how])))
