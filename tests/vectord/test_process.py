"""The process: one owner of a directory, a clean stop, an end when idle, and what it leaves behind."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from qdrant_client import models as m

from tests.vectord.catalogue import text

pytestmark = pytest.mark.slow

EXIT_TAKEN = 3
Start = Callable[..., Any]


@pytest.fixture
def start(vectord_server: Any, tmp_path: Path) -> Iterator[Start]:
    """Starts processes on directories of this test, and ends those that still run after it."""
    started: list[Any] = []

    def begin(*options: str, directory: str = "data") -> Any:
        started.append(type(vectord_server)(tmp_path / directory, *options))
        return started[-1]

    yield begin
    for one in started:
        one.stop()


def run(*options: str) -> subprocess.CompletedProcess[str]:
    source = Path(__file__).resolve().parents[2] / "platform"
    return subprocess.run(
        [sys.executable, "-m", "vectord", *options],
        env=os.environ | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def make(client: Any, name: str = "shelf") -> None:
    client.create_collection(name, vectors_config=m.VectorParams(size=16, distance=m.Distance.COSINE))


def put(client: Any, *ids: int, name: str = "shelf") -> None:
    client.upsert(name, [m.PointStruct(id=one, vector=text(one % 300), payload={"n": one}) for one in ids])


def test_a_second_process_is_turned_away_and_the_first_goes_on(start: Start) -> None:
    first = start()
    client = first.client()
    make(client)
    put(client, 1, 2)
    second = run("--data", str(first.directory))
    assert second.returncode == EXIT_TAKEN
    assert second.stderr.strip().splitlines() == [
        f"vectord: the directory {first.directory} is in use by vectord with process id {first.process.pid}"
    ]
    assert json.loads((first.directory / "endpoint.json").read_text())["pid"] == first.process.pid
    put(client, 3)
    assert client.count("shelf").count == 3
    assert first.stop() == 0  # a stop flushes: this fails if the second process touched the shard
    assert "failed" not in first.log()
    assert start().client().count("shelf").count == 3


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_clean(start: Start, sign: signal.Signals) -> None:
    server = start()
    endpoint = server.directory / "endpoint.json"
    assert stat.S_IMODE(endpoint.stat().st_mode) == 0o600
    assert json.loads(endpoint.read_text()) == {
        "url": server.url,
        "api_key": server.api_key,
        "pid": server.process.pid,
    }
    assert server.url.startswith("http://127.0.0.1:")
    make(server.client())
    put(server.client(), 1)
    server.process.send_signal(sign)
    assert server.process.wait(timeout=30) == 0
    assert not endpoint.exists()
    again = start()
    assert again.client().count("shelf").count == 1
    assert again.api_key != server.api_key


def test_a_stop_lets_a_running_request_end(start: Start) -> None:
    server = start()
    client = server.client()
    make(client)
    outcome: list[Any] = []

    def slowly() -> Iterator[bytes]:
        yield b'{"points": [{"id": 7, "vector": '
        time.sleep(0.5)  # it has read the head by now
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        yield json.dumps(text(7)).encode() + b"}]}"

    url = f"{server.url}/collections/shelf/points?wait=true"
    outcome.append(httpx.put(url, content=slowly(), headers={"api-key": server.api_key}, timeout=30))
    assert outcome[0].status_code == 200
    assert server.process.wait(timeout=30) == 0
    assert start().client().count("shelf").count == 1


def test_a_given_key_and_port_are_used(start: Start) -> None:
    first = start(directory="other")
    port = first.url.rpartition(":")[2]
    first.stop()
    server = start("--api-key", "secret", "--port", port)
    assert (server.api_key, server.url) == ("secret", f"http://127.0.0.1:{port}")
    taken = run("--data", str(server.directory.parent / "third"), "--port", port)
    assert taken.returncode == 2
    assert "in use" in taken.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org"])  # noqa: S104
def test_it_refuses_addresses_that_others_can_reach(tmp_path: Path, host: str) -> None:
    ended = run("--data", str(tmp_path / "data"), "--host", host)
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1


def test_it_ends_when_nobody_asks_and_not_before(start: Start) -> None:
    server = start("--idle-exit", "6")
    client = server.client()
    make(client)
    for one in range(8):
        put(client, one)
        time.sleep(1)
    assert server.process.poll() is None
    assert server.process.wait(timeout=30) == 0
    assert not (server.directory / "endpoint.json").exists()


def test_what_a_killed_process_left_does_no_harm(start: Start) -> None:
    server = start()
    make(server.client())
    put(server.client(), 1)
    server.kill()
    stale = json.loads((server.directory / "endpoint.json").read_text())
    assert stale["pid"] == server.process.pid
    again = start()
    assert again.client().count("shelf").count == 1
    assert json.loads((server.directory / "endpoint.json").read_text())["pid"] == again.process.pid


def test_half_made_and_half_deleted_collections_are_cleared_away(start: Start) -> None:
    server = start()
    make(server.client())
    server.stop()
    collections = server.directory / "collections"
    (whole,) = collections.iterdir()
    for leftover in (collections / ".new-abc", collections / ".deleted-abc", whole / "shard-7"):
        (leftover / "segments").mkdir(parents=True)
    again = start()
    assert [one.name for one in again.client().get_collections().collections] == ["shelf"]
    assert [one.name for one in collections.iterdir()] == [whole.name]
    assert sorted(one.name for one in whole.iterdir()) == ["meta.json", "shard-0", "state.json"]


def test_a_name_is_free_at_once_after_a_drop_and_the_files_follow(start: Start) -> None:
    server = start()
    client = server.client()
    for number in range(5):
        make(client)
        put(client, number)
        assert client.count("shelf").count == 1, "nothing of the one before"
        client.delete_collection("shelf")
        assert not client.collection_exists("shelf")
    make(client)
    put(client, 7)
    assert server.stop() == 0
    assert len(list((server.directory / "collections").iterdir())) == 1, "a stop waits for what is being thrown away"
    assert start().client().retrieve("shelf", [7])


def test_everything_is_still_there_after_a_restart(start: Start) -> None:
    server = start()
    client = server.client()
    client.create_collection(
        "shelf",
        vectors_config=m.VectorParams(size=16, distance=m.Distance.COSINE),
        hnsw_config=m.HnswConfigDiff(m=8),
        metadata={"model_id": "a"},
    )
    client.create_payload_index("shelf", "n", m.IntegerIndexParams(type=m.IntegerIndexType.INTEGER, lookup=True))
    client.update_collection("shelf", metadata={"dim": 16})
    put(client, 1, 2)
    create = m.CreateAlias(collection_name="shelf", alias_name="live")
    client.update_collection_aliases([m.CreateAliasOperation(create_alias=create)])
    before = client.get_collection("live")
    server.stop()
    client = start().client()
    assert client.get_collection("live") == before
    assert before.config.metadata == {"model_id": "a", "dim": 16}
    assert before.payload_schema["n"].params.lookup is True
    assert client.facet("live", "n").hits


def test_slow_senders_hold_up_nobody(start: Start) -> None:
    server = start()
    client = server.client()
    make(client)
    put(client, 1)
    release = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b'{"query": 1,'
        release.wait(20)
        yield b'"limit": 1}'

    headers = {"api-key": server.api_key}
    url = f"{server.url}/collections/shelf/points/query"
    sender = threading.Thread(target=lambda: httpx.post(url, content=slowly(), headers=headers, timeout=30))
    sender.start()
    assert client.query_points("shelf", query=text(1)).points
    release.set()
    sender.join()
