"""What shoppers see while the vector store is away, and while too many ask: through pages and REST, on a real store."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

import pytest
from django.test import Client

from search.index.engine import EmbeddedEngine, Endpoint
from tests import shops

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
API = "/api/v1/search"


@pytest.fixture
def server(settings, tmp_path, quick_encoders, db) -> Iterator[Endpoint]:
    """A shop whose store is known by its address alone, as a Qdrant server is; it can be killed."""
    endpoint = EmbeddedEngine(tmp_path / "vectord", tmp_path / "vectord.log").recover()
    settings.QDRANT_URL, settings.QDRANT_API_KEY = endpoint.url, endpoint.api_key
    settings.QDRANT_BREAKER = {"failures": 2, "window": 30.0, "rest": 60.0}
    shops.build_indexed()
    yield endpoint
    with contextlib.suppress(ProcessLookupError):
        os.kill(endpoint.pid, signal.SIGKILL)


def text_of(page) -> str:
    return page.content.decode()


def test_a_killed_store_leaves_search_lists_suggestions_and_products(client, server):
    whole = client.get(API, {"q": "chair"}).json()
    assert whole["query"]["degraded"] == []
    os.kill(server.pid, signal.SIGKILL)
    os.waitpid(server.pid, 0)
    found = client.get(API, {"q": "chair", "brand": "nord"})
    assert found.status_code == 200
    assert {hit["sku"] for hit in found.json()["hits"]} == {"CHAIR-1", "CHAIR-2"}
    assert "does not answer" in found.json()["query"]["degraded"][0]
    page = client.get("/search?q=chair")
    assert page.status_code == 200
    assert "Part of the search is resting" in text_of(page)
    assert "Folding chair" in text_of(page)
    assert "Espresso cup red" in text_of(client.get("/c/kitchen"))
    assert client.get("/c/home?attributes.colour=red").status_code == 200
    assert client.get("/api/v1/suggest?q=fol").status_code == 200
    assert client.get("/").status_code == 200
    assert client.get("/search?image_of=CHAIR-1").status_code == 503


def test_recommendations_fall_back_to_what_is_popular_and_say_so(client, server):
    os.kill(server.pid, signal.SIGKILL)
    os.waitpid(server.pid, 0)
    for surface in ("for-you", "trending", "new-arrivals", "stores", "brands", "promotions", "sponsored"):
        assert client.get(f"/api/v1/recommendations/{surface}").status_code == 200, surface
    for surface in ("complements", "bought-together", "visually-similar"):
        answer = client.get(f"/api/v1/recommendations/{surface}?product=CHAIR-1")
        assert answer.status_code == 200, (surface, answer.content)
    told = client.get("/api/v1/recommendations/similar?product=CHAIR-1").json()
    assert {hit["sku"] for hit in told["hits"]} == {"CHAIR-3"}, "of its category, and in stock"
    assert told["hits"][0]["reason"] == "Also in Seats"
    assert told["degraded"]


def test_who_comes_beyond_what_a_process_works_on_hears_so_at_once(client, settings, server):
    settings.SEARCH_CONCURRENCY, settings.SEARCH_WAIT_SECONDS = 1, 0.05
    from search import bulkhead

    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with bulkhead.search_turn():
            inside.set()
            go_on.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    try:
        page, answer = client.get("/search?q=chair"), client.get(API, {"q": "chair"})
        assert (page.status_code, answer.status_code) == (503, 503)
        assert page["Retry-After"]
        assert answer["Retry-After"]
        assert "too many searches" in answer.json()["detail"]
        assert client.get("/healthz").status_code == 200
    finally:
        go_on.set()
        holder.join()
    assert Client().get("/search?q=chair").status_code == 200
