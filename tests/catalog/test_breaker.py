"""What failed again and again is not asked for a while: by the clock, and with a real store that hangs."""

import os
import signal
import time
from collections.abc import Iterator
from functools import partial

import pytest

from catalog.breaker import Breaker
from search.index.client import get_client, within
from search.index.engine import EmbeddedEngine, Endpoint
from search.index.errors import VectorStoreError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock) -> Breaker:
    return Breaker(failures=3, window=10, rest=5, clock=clock)


def test_it_opens_after_failures_in_a_row_and_lets_one_find_out(breaker, clock):
    for _ in range(3):
        assert breaker.admits()
        breaker.failed()
    assert not breaker.admits()
    clock.now = 5.0
    assert breaker.admits(), "one finds out"
    assert not breaker.admits(), "the others do not wait for it"
    breaker.failed()
    clock.now = 9.0
    assert not breaker.admits(), "it rests again from the probe on"
    clock.now = 10.0
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.admits()
    assert not breaker.open


def test_failures_that_are_far_apart_or_with_successes_between_do_not_open_it(breaker, clock):
    for now in (0.0, 6.0, 12.0, 18.0):
        clock.now = now
        breaker.failed()
    assert breaker.admits()
    breaker.succeeded()
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.admits()


def test_it_can_be_switched_off(clock):
    breaker = Breaker(failures=0, window=10, rest=5, clock=clock)
    for _ in range(20):
        breaker.failed()
    assert breaker.admits()


@pytest.fixture
def server(settings, tmp_path, clock, monkeypatch) -> Iterator[Endpoint]:
    """A vectord that the application knows by its address alone, as it would a Qdrant server."""
    monkeypatch.setattr("search.index.client.Breaker", partial(Breaker, clock=clock))
    endpoint = EmbeddedEngine(tmp_path / "vectord", tmp_path / "vectord.log").recover()
    settings.QDRANT_URL, settings.QDRANT_API_KEY = endpoint.url, endpoint.api_key
    settings.QDRANT_BREAKER = {"failures": 2, "window": 30.0, "rest": 5.0}
    yield endpoint
    os.kill(endpoint.pid, signal.SIGCONT)
    os.kill(endpoint.pid, signal.SIGKILL)


def refused() -> bool:
    with pytest.raises(VectorStoreError) as fault:
        get_client().get_collections()
    return "not asked" in str(fault.value)


@pytest.mark.slow
def test_a_server_that_hangs_is_given_up_and_found_again(server, clock):
    assert get_client().get_collections().collections == []
    os.kill(server.pid, signal.SIGSTOP)
    for _ in range(2):
        with within(2), pytest.raises(VectorStoreError, match="does not answer"):
            get_client().get_collections()
    assert refused(), "at once, though nothing limits this call"
    os.kill(server.pid, signal.SIGCONT)
    assert refused(), "it rests"
    clock.now = 5.0
    assert get_client().get_collections().collections == []
    assert get_client().get_collections().collections == []


@pytest.mark.slow
def test_the_time_of_a_shopper_is_shared_by_all_calls(server, monkeypatch):
    now = time.monotonic
    with within(60):
        get_client().get_collections()
        monkeypatch.setattr(time, "monotonic", lambda: now() + 61)
        with pytest.raises(VectorStoreError, match="longer than a shopper waits"):
            get_client().get_collections()
    assert get_client().get_collections().collections == []
