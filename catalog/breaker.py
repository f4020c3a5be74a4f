"""A circuit breaker (Nygard, "Release It!", 2007): what failed again and again is not asked for a while.

Without it, each shopper waits for the time-out of a part that is known to be away, and the threads that wait serve
nobody.
"""

import threading
import time
from collections.abc import Callable


class Breaker:
    """Closed, it lets everything through. After `failures` in a row within `window` seconds it opens, and refuses
    everything for `rest` seconds. Then it lets one caller through, whose outcome closes it or opens it again.

    One a process: each finds out for itself, and none can shut the others out. `failures` of 0 never opens.
    """

    def __init__(
        self, *, failures: int, window: float, rest: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures, self._window, self._rest, self._clock = failures, window, rest, clock
        self._lock = threading.Lock()
        self._failed: list[float] = []  # when, since the last success
        self._opened: float | None = None
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether callers are refused at the moment, or one of them is finding out."""
        return self._opened is not None

    def admits(self) -> bool:
        """Whether to go on. Who is let through tells the outcome by `succeeded` or `failed`."""
        if self._opened is None:
            return True
        with self._lock:
            if self._opened is None:
                return True
            if self._probing or self._clock() - self._opened < self._rest:
                return False
            self._probing = True
            return True

    def succeeded(self) -> None:
        if self._failed or self._opened is not None:
            with self._lock:
                self._failed, self._opened, self._probing = [], None, False

    def failed(self) -> None:
        if not self._failures:
            return
        with self._lock:
            now = self._clock()
            self._failed = [at for at in self._failed if now - at < self._window] + [now]
            if self._opened is not None or len(self._failed) >= self._failures:
                self._opened = now
            self._probing = False
