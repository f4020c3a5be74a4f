"""A budget for second tries (Beyer et al., "Site Reliability Engineering", 2016, chapter 21: 10 % for each client).

A try that follows a failure helps where the failure was chance. Where everything fails, second tries only multiply what
is asked of a part that has enough to do with coming back. So each first try pays in a share of one, each further try
costs one, and what has been saved is bounded (a token bucket; as in gRPC's retry throttling, gRFC A6).
"""

import threading


class RetryBudget:
    """Of `n` first tries, at most `reserve + share * n` are followed by another one. For all threads of a process."""

    def __init__(self, *, share: float, reserve: float) -> None:
        self._share, self._reserve = share, reserve
        self._saved = reserve
        self._lock = threading.Lock()

    def first_try(self) -> None:
        with self._lock:
            self._saved = min(self._saved + self._share, self._reserve)

    def allows_another(self) -> bool:
        """Whether to try again; if so, that has been paid for."""
        with self._lock:
            if self._saved < 1:
                return False
            self._saved -= 1
            return True
