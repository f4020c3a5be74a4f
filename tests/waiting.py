"""Waiting for what happens beside a test: as long as a busy machine may take, and not for ever."""

import time
from collections.abc import Callable

PATIENCE = 180.0  # seconds


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
