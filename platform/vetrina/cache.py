"""Django's cache in Redis, for a shop that goes on without it.

What lies in the cache can be computed anew, so a Redis that is away or keeps silent is no error. Meanwhile each process
counts and remembers for itself: a limit of the rate then holds for each process and not for all together, which is
neither open to everybody nor closed to all. A breaker sees to it that not each request waits for the time-out.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache as DjangoRedisCache
from django.core.cache.backends.redis import RedisCacheClient

from catalog.breaker import Breaker

log = logging.getLogger(__name__)

FAILURES, WINDOW_SECONDS, REST_SECONDS = 2, 30.0, 5.0
MOST = 20_000  # entries that a process keeps meanwhile; limits of the rate are one for each address


class _Client(RedisCacheClient):  # type: ignore[misc]
    """Each operation asks Redis, or while that is away this process' own memory."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, **options)
        self._breaker = Breaker(failures=FAILURES, window=WINDOW_SECONDS, rest=REST_SECONDS)
        # Keys come with their prefix and version.
        self._own = LocMemCache(
            f"without {servers}", {"KEY_FUNCTION": lambda key, *_: key, "OPTIONS": {"MAX_ENTRIES": MOST}}
        )

    def _either(self, name: str, *arguments: Any) -> Any:
        if self._breaker.admits():
            ask: Callable[..., Any] = getattr(super(), name)
            try:
                answer = ask(*arguments)
            except self._lib.RedisError as error:
                self._breaker.failed()
                log.warning("The cache does not answer: %s", type(error).__name__)
            except BaseException:
                self._breaker.succeeded()  # it answered; what it was asked makes no sense
                raise
            else:
                self._breaker.succeeded()
                return answer
        return getattr(self._own, name)(*arguments)

    def add(self, key: str, value: Any, timeout: float | None) -> Any:
        return self._either("add", key, value, timeout)

    def get(self, key: str, default: Any) -> Any:
        return self._either("get", key, default)

    def set(self, key: str, value: Any, timeout: float | None) -> Any:
        return self._either("set", key, value, timeout)

    def touch(self, key: str, timeout: float | None) -> Any:
        return self._either("touch", key, timeout)

    def delete(self, key: str) -> Any:
        return self._either("delete", key)

    def get_many(self, keys: Any) -> Any:
        return self._either("get_many", list(keys))

    def has_key(self, key: str) -> Any:
        return self._either("has_key", key)

    def incr(self, key: str, delta: int) -> Any:
        return self._either("incr", key, delta)

    def set_many(self, data: dict[str, Any], timeout: float | None) -> Any:
        return self._either("set_many", data, timeout)

    def delete_many(self, keys: Any) -> Any:
        return self._either("delete_many", list(keys))

    def clear(self) -> Any:
        return self._either("clear")


class RedisCache(DjangoRedisCache):  # type: ignore[misc]
    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
