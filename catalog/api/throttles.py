"""How often one address, or what it names, may ask: for pages that are no views of REST framework."""

import hashlib
from typing import Any

from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from catalog.per_shop import EVERYWHERE


def address_of(request: Any) -> str:
    """Return the address that sent a request: behind PROXIES of the shop's own, whom the outermost of them heard."""
    return str(BaseThrottle().get_ident(request))


def admits(request: HttpRequest, scope: str, rate: str, *, of: str = "", everywhere: bool = False) -> bool:
    """Count a request; return whether there were no more than `rate` ("20/min") in this scope.

    Of the address that sent it, or with `of` of what that says, whoever sends it. Each shop counts for itself, unless
    it is counted `everywhere` together.
    """
    throttle = _Throttle(scope, rate, of, EVERYWHERE if everywhere else "")
    return bool(throttle.allow_request(request, None))  # type: ignore[arg-type]


class RateThrottle(SimpleRateThrottle):
    """REST framework's, for a clock that is put back: requests at times that are to come are not held against anybody.

    They would not grow old before their time has come, which may be hours.
    """

    num_requests: int
    duration: int

    def throttle_failure(self) -> bool:
        past = [at for at in self.history if at <= self.now]
        if len(past) < self.num_requests:
            self.history = past
            return bool(self.throttle_success())
        return bool(super().throttle_failure())


class _Throttle(RateThrottle):
    def __init__(self, scope: str, rate: str, of: str, before: str) -> None:
        self.scope, self.rate, self._of, self._before = scope, rate, of, before
        super().__init__()

    def throttle_success(self) -> bool:
        # Requests at the same moment have not seen each other's times, and each writes its own alone. So they are
        # counted as well, which no two do at once; one after another they come to no more than the rate by their times.
        counted = f"{self.key}:{int(self.now // self.duration)}"
        self.cache.add(counted, 0, self.duration)
        try:
            among_first = self.cache.incr(counted) <= self.num_requests
        except ValueError:  # it went meanwhile: its time was over
            among_first = True
        return among_first and bool(super().throttle_success())

    def get_cache_key(self, request: Any, view: Any) -> str:
        # Hashed: it may be a text of any length and letters, and not every cache takes such a key.
        ident = hashlib.sha256(self._of.encode()).hexdigest() if self._of else self.get_ident(request)
        return self._before + self.cache_format % {"scope": self.scope, "ident": ident}
