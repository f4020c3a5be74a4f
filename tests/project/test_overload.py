"""Many more ask than a process can serve: each hears soon, an answer or when to come again, and then all is normal."""

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.recommend.sponsored.shop_server import free_port

pytestmark = [pytest.mark.slow, pytest.mark.own_parts]
ROOT = Path(__file__).resolve().parents[2]
THREADS, QUEUE = 4, 8
SHOPPERS = 120
# Served one after the other, the searches alone would take SHOPPERS / 2 * SLOW seconds and more.
SLOW, HEARS_WITHIN = 2.0, 30.0
PAGES = ("/search?q=chair", "/api/v1/search?q=chair", "/", "/api/v1/recommendations/trending")


@contextmanager
def web(home: Path, vectors: int) -> Iterator[str]:
    """A web process whose vector store keeps silent; gives its address."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(ROOT / "platform"), str(ROOT))),
        "DJANGO_SETTINGS_MODULE": "vetrina.settings",
        "VETRINA_HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "WEB_THREADS": str(THREADS),
        "WEB_QUEUE": str(QUEUE),
        "WEB_QUEUE_SECONDS": "2",
        "API_RATE_ANONYMOUS": "1000000/min",
        "QDRANT_URL": f"http://127.0.0.1:{vectors}",
        "QDRANT_SHOPPER_SECONDS": str(SLOW),
        "QDRANT_BREAKER_FAILURES": "0",  # which would make them quick
    }
    address = f"127.0.0.1:{free_port()}"
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    command = [sys.executable, "-m", "gunicorn", "vetrina.wsgi", "--config", "python:vetrina.gunicorn"]
    with (home / "web.log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--bind", address, "--no-control-socket"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        wait_for(f"http://{address}/healthz")
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(60)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            if httpx.get(url, timeout=30).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_under_overload_everybody_hears_soon_and_afterwards_all_is_normal(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=500) as silent, web(tmp_path, silent.getsockname()[1]) as shop:
        told, probes = flood(shop)
        silent.close()  # refused at once: the database answers without the wait
        after = [httpx.get(shop + page, timeout=HEARS_WITHIN).status_code for page in PAGES for _ in range(3)]
        counted = httpx.get(f"{shop}/metrics", timeout=HEARS_WITHIN).text
    assert not [each for each in told if each not in {(200, False), (503, True), (429, True)}], Counter(told)
    assert told.count((200, False)) >= THREADS, "some are served all the time"
    assert told.count((503, True)) >= SHOPPERS / 2, "most cannot be"
    assert set(probes) == {200}, "it works to its limit and does not hang"
    assert after == [200] * 3 * len(PAGES)
    assert "vetrina_requests_refused_total 0.0" not in counted


def flood(shop: str) -> tuple[list[tuple[int, bool]], list[int]]:
    """What SHOPPERS who come at once are answered: status, and whether it says when to come again. And the probes."""
    together = threading.Barrier(SHOPPERS)
    plain = ssl.create_default_context()  # made once: each client would read all certificates before it asks
    over = threading.Event()
    probes: list[int] = []

    def visit(number: int) -> tuple[int, bool]:
        together.wait()
        # Who hears nothing for so long, or whose connection breaks, raises.
        answer = httpx.get(shop + PAGES[number % len(PAGES)], timeout=HEARS_WITHIN, verify=plain)
        return answer.status_code, "Retry-After" in answer.headers

    def probe() -> None:
        while not over.wait(0.5):
            probes.append(httpx.get(f"{shop}/healthz", timeout=HEARS_WITHIN).status_code)

    prober = threading.Thread(target=probe)
    prober.start()
    try:
        with ThreadPoolExecutor(SHOPPERS) as shoppers:
            return list(shoppers.map(visit, range(SHOPPERS))), probes
    finally:
        over.set()
        prober.join()
