"""A shop whose Redis is away or silent goes on: what is remembered and counted is each process' own meanwhile."""

import socket
import time
from collections.abc import Iterator

import pytest
import redis
from django.core.cache.backends.redis import RedisCacheClient

from vetrina import cache as cache_module
from vetrina.cache import RedisCache

pytestmark = pytest.mark.own_parts
SECONDS = 0.1


@pytest.fixture(params=["gone", "silent"])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if request.param == "silent":  # it takes connections, and never answers
            listening.listen(50)
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/1"


@pytest.fixture
def cache(server: str) -> RedisCache:
    options = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS, "retry": None}
    return RedisCache(server, {"KEY_PREFIX": "shop", "OPTIONS": options})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that Redis was asked for."""
    names: list[str] = []
    plain = RedisCacheClient.get_client

    def get_client(self: RedisCacheClient, key: object = None, **options: bool) -> object:
        names.append(str(key))
        return plain(self, key, **options)

    monkeypatch.setattr(RedisCacheClient, "get_client", get_client)
    return names


def test_without_redis_it_remembers_and_counts(cache: RedisCache) -> None:
    assert cache.get("a") is None
    cache.set("a", {"b": 1}, 60)
    assert cache.get("a") == {"b": 1}
    assert cache.add("count", 0, 60)
    assert not cache.add("count", 0, 60)
    assert cache.incr("count", 2) == 2
    with pytest.raises(ValueError, match="not found"):
        cache.incr("nothing")
    cache.set_many({"c": 1, "d": 2}, 60)
    assert cache.get_many(["a", "c", "d", "e"]) == {"a": {"b": 1}, "c": 1, "d": 2}
    assert "c" in cache
    assert cache.touch("c", 60)
    assert cache.delete("c")
    cache.delete_many(["a", "d"])
    assert cache.get_many(["a", "c", "d"]) == {}
    cache.set("a", 1)
    cache.clear()
    assert cache.get("a", "gone") == "gone"


def test_after_two_failures_it_is_not_asked_for_a_while(cache: RedisCache, asked: list[str]) -> None:
    for _ in range(20):
        cache.get("a")
    assert len(asked) == cache_module.FAILURES


def test_it_is_used_again_once_it_is_back(cache: RedisCache, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "REST_SECONDS", 0.0)
    kept: dict[str, object] = {}
    for _ in range(5):
        cache.set("a", b"own")
    monkeypatch.setattr(redis.Redis, "get", lambda self, name: kept.get(name))
    monkeypatch.setattr(redis.Redis, "set", lambda self, name, value, **how: kept.update({name: value}))
    assert cache.get("a") is None, "what a process remembered meanwhile is not what all share"
    cache.set("a", 7)
    assert list(kept) == ["shop:1:a"]
    assert cache.get("a") == 7


def test_what_a_process_remembers_grows_old_wherever_the_clock_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    own, moment = cache_module.LocMemCache("aging", {}), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    for name, seconds in (("short", 60), ("ever", None), ("never", 0)):
        own.set(name, name, seconds)
    monkeypatch.setattr(time, "time", lambda: 0.0)  # the clock was put back by decades
    assert own.get_many(["short", "ever", "never"]) == {"short": "short", "ever": "ever"}
    moment[0] += 61
    assert own.get_many(["short", "ever", "never"]) == {"ever": "ever"}
