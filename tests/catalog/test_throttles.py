"""Limits of the rate, also where the clock was put back."""

import threading

import pytest
from django.test import RequestFactory

from catalog.api import throttles

pytestmark = pytest.mark.parts


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000_000.0]
    monkeypatch.setattr(throttles.RateThrottle, "timer", lambda self: now[0])
    return now


def admitted(times: int) -> list[bool]:
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    return [throttles.admits(request, "test", "2/min") for _ in range(times)]


def test_no_more_than_the_rate_are_admitted(clock: list[float]) -> None:
    assert admitted(3) == [True, True, False]
    clock[0] += 61
    assert admitted(3) == [True, True, False]


def test_of_requests_at_the_same_time_no_more_than_the_rate_are_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    together, answers = threading.Barrier(4), []

    def timer(throttle: throttles.RateThrottle) -> float:  # asked when each has read which requests came before
        together.wait(10)
        return 1_000_000.0

    monkeypatch.setattr(throttles.RateThrottle, "timer", timer)
    threads = [threading.Thread(target=lambda: answers.extend(admitted(1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, True, True]


def test_who_asked_while_the_clock_was_ahead_is_not_shut_out_once_it_is_right(clock: list[float]) -> None:
    clock[0] += 6 * 3600
    assert admitted(3) == [True, True, False]
    clock[0] -= 6 * 3600
    assert admitted(3) == [True, True, False]
