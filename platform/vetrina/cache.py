"""Django's caches: one in Redis, for a shop that goes on without it, and one in memory for a clock that jumps.

What lies in the cache can be computed anew, so a Redis that is away or keeps silent is no error. Meanwhile each process
counts and remembers for itself: a limit of the rate then holds for each process and not for all together, which is
neither open to everybody nor closed to all. A breaker sees to it that not each request waits for the time-out.
"""

import logging
import time
from functools import partialmethod
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache as DjangoLocMemCache
from django.core.cache.backends.redis import RedisCache as DjangoRedisCache
from django.core.cache.backends.redis import RedisCacheClient

from catalog.breaker import Breaker

log = logging.getLogger(__name__)

FAILURES, WINDOW_SECONDS, REST_SECONDS = 2, 30.0, 5.0
MOST = 20_000  # entries that a process keeps meanwhile; limits of the rate are one for each address


class LocMemCache(DjangoLocMemCache):
    """Django's cache in a process' own memory, whose entries grow old as long as they live, wherever the clock goes."""

    _expire_info: dict[str, float | None]

    def get_backend_timeout(self, timeout: Any = DEFAULT_TIMEOUT) -> Any:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        # As of Django: None is for ever, and 0 over at once.
        return None if seconds is None else -1.0 if seconds == 0 else time.monotonic() + seconds

    def _has_expired(self, key: str) -> bool:
        until = self._expire_info.get(key, -1.0)
        return until is not None and until <= time.monotonic()


OPERATIONS = (
    "add", "get", "set", "touch", "delete", "get_many", "has_key", "incr", "set_many", "delete_many", "clear",
)  # fmt: skip


class _Client(RedisCacheClient):
    """Each operation asks Redis, or while that is away this process' own memory."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, **options)
        self._breaker = Breaker(failures=FAILURES, window=WINDOW_SECONDS, rest=REST_SECONDS)
        # Keys come with their prefix and version.
        self._own = LocMemCache(
            f"without {servers}", {"KEY_FUNCTION": lambda key, *_: key, "OPTIONS": {"MAX_ENTRIES": MOST}}
        )

    def _ask(self, name: str, *arguments: Any) -> Any:
        if self._breaker.admits():
            from redis.exceptions import RedisError  # an extra, which is there where this backend is used

            try:
                answer = getattr(RedisCacheClient, name)(self, *arguments)
            except RedisError as error:
                self._breaker.failed()
                log.warning("The cache does not answer: %s", type(error).__name__)
            except BaseException:
                self._breaker.succeeded()  # it answered; what it was asked makes no sense
                raise
            else:
                self._breaker.succeeded()
                return answer
        return getattr(self._own, name)(*arguments)


for _name in OPERATIONS:
    setattr(_Client, _name, partialmethod(_Client._ask, _name))


class RedisCache(DjangoRedisCache):
    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
