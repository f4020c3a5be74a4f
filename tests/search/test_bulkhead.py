"""So many at once, a few who wait, and for everybody else an answer at once; each kind of work in places of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from search.bulkhead import Bulkhead, Overloaded, _bulkheads, recommendation_turn, search_turn
from tests.waiting import wait_for

LONG = 60.0


@contextmanager
def held(turn: Callable[[], object]) -> Iterator[None]:
    """Somebody else has a turn meanwhile."""
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with turn():  # type: ignore[attr-defined]
            inside.set()
            go_on.wait(LONG)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(LONG)
    try:
        yield
    finally:
        go_on.set()
        holder.join()


def test_one_waits_and_who_comes_then_is_told_at_once() -> None:
    bulkhead = Bulkhead("searches", 1, 1, LONG)
    served = threading.Event()

    def wait() -> None:
        with bulkhead.turn():
            served.set()

    waiter = threading.Thread(target=wait)
    with held(bulkhead.turn):
        waiter.start()
        wait_for(lambda: bulkhead._waiting._value == 0)
        with pytest.raises(Overloaded, match="too many searches"), bulkhead.turn():
            pass
        assert not served.is_set()
    waiter.join()
    assert served.is_set()
    with bulkhead.turn():  # all places are free again
        assert bulkhead._waiting.acquire(blocking=False)


def test_who_waited_in_vain_is_told() -> None:
    bulkhead = Bulkhead("searches", 1, 1, 0.01)
    with held(bulkhead.turn), pytest.raises(Overloaded), bulkhead.turn():
        pass


def test_the_rows_of_one_page_are_no_overload(settings) -> None:
    settings.RECOMMEND_CONCURRENCY, settings.SEARCH_WAIT_SECONDS = 2, LONG
    served = []

    def ask() -> None:
        with recommendation_turn():
            served.append(1)

    rows = [threading.Thread(target=ask) for _ in range(3)]
    with held(recommendation_turn), held(recommendation_turn):
        for row in rows:
            row.start()
        waiting = _bulkheads["recommendations", 2, 3, LONG]._waiting
        wait_for(lambda: waiting._value == 0)
        with pytest.raises(Overloaded), recommendation_turn():
            pass
    for row in rows:
        row.join()
    assert len(served) == 3


@pytest.mark.django_db
def test_recommendations_and_searches_do_not_take_each_other_s_places(client, settings) -> None:
    settings.SEARCH_CONCURRENCY = settings.RECOMMEND_CONCURRENCY = 1
    settings.SEARCH_WAIT_SECONDS = 0.01
    with held(recommendation_turn):
        answer = client.get("/api/v1/recommendations/trending")
        assert answer.status_code == 503
        assert answer["Retry-After"]
        assert "too many recommendations" in answer.json()["detail"]
        page = client.get("/discover/trending")
        assert page.status_code == 503
        assert page["Retry-After"]
        row = client.get("/rows/trending")
        assert row.status_code == 200
        assert b"again=1" in row.content
        with search_turn():
            pass
    assert client.get("/api/v1/recommendations/trending").status_code == 200


@pytest.mark.django_db
def test_suggestions_have_the_places_of_searches(client, settings) -> None:
    settings.SEARCH_CONCURRENCY, settings.SEARCH_WAIT_SECONDS = 1, 0.01
    with held(search_turn):
        answer = client.get("/api/v1/suggest?q=cup")
        assert answer.status_code == 503
        assert answer["Retry-After"]
    assert client.get("/api/v1/suggest?q=cup").status_code == 200
