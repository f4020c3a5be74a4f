"""Callers of the vector store outlive its restarts, and learn of its faults by one exception."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from qdrant_client import models

from search.index import client as clients
from search.index.client import get_client
from search.index.engine import EmbeddedEngine, Endpoint
from search.index.errors import VectorStoreError


def endpoint(directory: Path) -> dict:
    return json.loads((directory / "endpoint.json").read_text())


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@pytest.fixture
def own_store(settings, tmp_path) -> Iterator[Path]:
    """A vectord of this test's own, which it may kill."""
    settings.QDRANT_URL = ""
    settings.VECTORD_DIR = tmp_path / "vectord"
    settings.HOME = tmp_path
    yield settings.VECTORD_DIR
    with contextlib.suppress(OSError):
        kill(endpoint(settings.VECTORD_DIR)["pid"])


def vector_of(value: float) -> models.PointStruct:
    return models.PointStruct(id=1, vector=[value, 1.0])


@pytest.mark.slow
def test_the_store_is_started_by_the_first_request(own_store):
    assert not own_store.exists()
    assert get_client().get_collections().collections == []
    assert endpoint(own_store)["pid"]


@pytest.mark.slow
def test_a_killed_store_is_started_again_and_has_lost_nothing(own_store):
    client = get_client()
    client.create_collection("kept", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT))
    client.upsert("kept", [vector_of(0.5)], wait=True)
    before = endpoint(own_store)["pid"]
    kill(before)
    (point,) = client.retrieve("kept", [1], with_vectors=True)
    assert point.vector == [0.5, 1.0]
    assert endpoint(own_store)["pid"] != before


@pytest.mark.slow
def test_several_threads_that_find_it_dead_get_one_store(own_store):
    get_client().get_collections()
    kill(endpoint(own_store)["pid"])
    faults = []

    def ask() -> None:
        try:
            get_client().get_collections()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


@pytest.mark.slow
def test_processes_that_start_it_at_once_end_up_with_the_same_store(own_store):
    ask = (
        "import sys; from pathlib import Path; from search.index.engine import EmbeddedEngine; "
        "print(EmbeddedEngine(Path(sys.argv[1]), Path(sys.argv[1]) / 'log').recover().pid)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", ask, str(own_store)], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    told = {process.communicate()[0].strip() for process in started}
    assert told == {str(endpoint(own_store)["pid"])}


@pytest.mark.slow
def test_a_stranger_at_the_old_address_is_not_taken_for_the_store(own_store):
    engine = EmbeddedEngine(own_store, own_store.parent / "log")
    real = engine.recover()
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        old = Endpoint(f"http://127.0.0.1:{stranger.getsockname()[1]}", "old key", real.pid)
        told = own_store / "endpoint.json"
        told.write_text(json.dumps({"url": old.url, "api_key": old.api_key, "pid": old.pid}))
        kill(real.pid)
        found = engine.recover(stranger=old)
    assert found != old
    assert found.pid != real.pid


def test_a_fork_gets_a_client_of_its_own(vector_store):
    parents = get_client()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover
        os.write(writing, b"new" if get_client() is not parents else b"old")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 3) == b"new"
    assert get_client() is parents


def test_another_address_gets_another_client(settings, vector_store):
    first = get_client()
    settings.QDRANT_URL = "http://127.0.0.1:9"
    assert get_client() is not first


def test_what_is_missing_may_come_and_what_is_malformed_may_not(vector_store):
    with pytest.raises(VectorStoreError) as missing:
        get_client().get_collection("nowhere")
    assert (missing.value.status, missing.value.permanent) == (404, False)
    name = "test-malformed"
    get_client().create_collection(name, vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT))
    try:
        with pytest.raises(VectorStoreError, match=r"vector|dim|size") as malformed:
            get_client().upsert(name, [models.PointStruct(id=1, vector=[1.0, 2.0, 3.0])])
        assert (malformed.value.status, malformed.value.permanent) == (400, True)
    finally:
        get_client().delete_collection(name)


def test_a_server_that_is_not_there_is_a_passing_fault(settings, monkeypatch):
    monkeypatch.setattr(clients, "REMOTE_PATIENCE", 0.1)
    settings.QDRANT_URL = "http://127.0.0.1:9"
    with pytest.raises(VectorStoreError, match="does not answer") as fault:
        get_client().get_collections()
    assert (fault.value.permanent, fault.value.status) == (False, None)


@pytest.mark.slow
@pytest.mark.stand_in
def test_a_server_that_is_busy_is_asked_again_with_its_key(settings):
    asked = []

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["api-key"])
            body = b'{"result": {"collections": []}, "status": "ok", "time": 0}'
            self.send_response(200 if len(asked) > 2 else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.QDRANT_URL = f"http://127.0.0.1:{server.server_port}"
        settings.QDRANT_API_KEY = "secret"
        assert get_client().get_collections().collections == []
        server.shutdown()
    assert asked == ["secret"] * 3


def test_second_tries_add_little_to_what_a_remote_store_that_always_fails_is_asked(settings, monkeypatch):
    settings.QDRANT_BREAKER = {"failures": 0, "window": 30.0, "rest": 5.0}  # which would spare it even more
    settings.QDRANT_URL = "http://127.0.0.1:9"
    monkeypatch.setattr(clients, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(clients, "LONGEST_PAUSE", 0.0)
    asked = []

    def refuse(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("connection refused")

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", refuse)
    for _ in range(100):
        with pytest.raises(VectorStoreError):
            get_client().get_collections()
    assert 100 + clients.RETRY_RESERVE <= len(asked) <= 100 + clients.RETRY_RESERVE + 100 * clients.RETRY_SHARE


def test_a_store_that_cannot_start_says_where_to_look(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(VectorStoreError, match=r"ended with code 1.*says why"):
        EmbeddedEngine(tmp_path / "vectord", tmp_path / "vectord.log").recover()
