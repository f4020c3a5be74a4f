"""While a collection is optimised, queries and writes go on; afterwards nothing is missing."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from tests.waiting import wait_for

pytestmark = pytest.mark.slow

SIZE, DIMENSION = 12_000, 256
VECTORS = np.random.default_rng(3).normal(size=(SIZE, DIMENSION)).astype(np.float32)


@pytest.fixture
def server(vectord_server: Any, tmp_path: Path) -> Iterator[Any]:
    made = type(vectord_server)(tmp_path / "data")
    yield made
    made.stop()


def fill(client: QdrantClient) -> None:
    """What it then begins to optimise, and not before: pauses of a slow machine would look like the end of filling."""
    vectors = m.VectorParams(size=DIMENSION, distance=m.Distance.COSINE)
    off, on = (m.OptimizersConfigDiff(indexing_threshold=threshold) for threshold in (0, 10_000))
    client.create_collection("big", vectors_config=vectors, optimizers_config=off)
    client.create_payload_index("big", "n", "integer")
    for start in range(0, SIZE, 1000):
        put(client, range(start, start + 1000))
    client.update_collection("big", optimizers_config=on)


def put(client: QdrantClient, ids: range, **payload: Any) -> None:
    client.upsert(
        "big", [m.PointStruct(id=i, vector=VECTORS[i % SIZE].tolist(), payload={"n": i % 7, **payload}) for i in ids]
    )


def status(client: QdrantClient) -> m.CollectionStatus:
    return client.get_collection("big").status


class Loop(threading.Thread):
    """Repeats an action until told to stop; keeps what went wrong."""

    def __init__(self, act: Callable[[int], None]) -> None:
        super().__init__()
        self.turns = 0
        self.failures: list[BaseException] = []
        self._act = act
        self._end = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._end.wait(0.01):
            try:
                self._act(self.turns)
            except BaseException as error:
                self.failures.append(error)
            self.turns += 1

    def end(self) -> None:
        self._end.set()
        self.join()


def test_queries_and_writes_go_on_and_nothing_is_lost(server: Any) -> None:
    client, asker, writer = server.client(), server.client(), server.client()
    fill(client)

    def ask(turn: int) -> None:
        hits = asker.query_points("big", query=VECTORS[turn % SIZE].tolist(), limit=24).points
        assert len(hits) == 24
        assert hits[0].score > 0.999

    def write(turn: int) -> None:
        put(writer, range(SIZE + turn, SIZE + turn + 1), late=True)
        writer.delete("big", [turn])
        writer.set_payload("big", {"late": True}, [SIZE // 2 + turn])

    wait_for(lambda: status(client) == m.CollectionStatus.YELLOW)
    asking, writing = Loop(ask), Loop(write)
    wait_for(lambda: status(client) == m.CollectionStatus.GREEN)
    time.sleep(0.3)
    asking.end()
    writing.end()
    assert not asking.failures
    assert not writing.failures
    assert asking.turns > 5, "no query was answered while it went on"
    assert writing.turns > 5, "no write was taken while it went on"
    info = client.get_collection("big")
    assert info.optimizer_status == m.OptimizersStatusOneOf.OK
    assert info.segments_count > 1  # an indexed one, and one that takes writes

    def check(client: QdrantClient) -> None:
        assert client.count("big").count == SIZE
        late = m.Filter(must=[m.FieldCondition(key="late", match=m.MatchValue(value=True))])
        ids = {record.id for record in client.scroll("big", scroll_filter=late, limit=SIZE)[0]}
        wanted = {SIZE + turn for turn in range(writing.turns)} | {SIZE // 2 + turn for turn in range(writing.turns)}
        assert ids == wanted
        for probe in (writing.turns + 5, SIZE - 5):
            top = client.query_points("big", query=VECTORS[probe].tolist(), limit=1).points[0]
            assert top.id in (probe, SIZE + probe)

    check(client)
    server.kill()
    again = type(server)(server.directory)
    try:
        check(again.client())
    finally:
        again.stop()


def test_a_kill_in_the_middle_leaves_the_collection_as_it_was(server: Any) -> None:
    client = server.client()
    fill(client)
    wait_for(lambda: status(client) == m.CollectionStatus.YELLOW)
    put(client, range(SIZE, SIZE + 10))
    server.kill()
    again = type(server)(server.directory)
    try:
        client = again.client()
        assert client.count("big").count == SIZE + 10
        wait_for(lambda: status(client) == m.CollectionStatus.YELLOW)  # it takes the work up again
        wait_for(lambda: status(client) == m.CollectionStatus.GREEN)
        assert client.count("big").count == SIZE + 10
        assert client.get_collection("big").segments_count > 1
    finally:
        again.stop()


def test_a_stop_and_a_delete_do_not_wait_for_it(server: Any) -> None:
    client = server.client()
    fill(client)
    wait_for(lambda: status(client) == m.CollectionStatus.YELLOW)
    client.delete_collection("big")
    assert client.get_collections().collections == []
    fill(client)
    wait_for(lambda: status(client) == m.CollectionStatus.YELLOW)
    assert server.stop() == 0
    (collection,) = (server.directory / "collections").iterdir()
    assert len(list(collection.glob("shard-*"))) == 1
    assert "Traceback" not in server.log()
