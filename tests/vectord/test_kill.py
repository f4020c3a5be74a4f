"""kill -9 at random moments: what was acknowledged is there, and nothing is half there."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from tests.vectord.catalogue import LOOKS, SIZE, look, terms, text

pytestmark = pytest.mark.slow

BATCH = 40
MOMENTS = random.Random(11)
WAITING = pytest.mark.parametrize("wait", [True, False], ids=["wait", "no wait"])


@pytest.fixture
def start(vectord_server: Any, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    started: list[Any] = []

    def begin() -> Any:
        started.append(type(vectord_server)(tmp_path / "data"))
        return started[-1]

    yield begin
    for one in started:
        one.stop()


def until_killed(server: Any, act: Callable[[QdrantClient, Callable[[], None]], None], most_steps: int) -> None:
    """Run `act` until kill -9 ends the server within one of its first steps; its failure then is expected.

    `act` gets a client and a function to call before each step.
    """
    failures: list[BaseException] = []
    left = [MOMENTS.randint(1, most_steps)]
    due = threading.Event()

    def step() -> None:
        left[0] -= 1
        if left[0] == 0:
            due.set()

    def run() -> None:
        try:
            act(server.client(), step)
        except Exception as error:
            failures.append(error)

    actor = threading.Thread(target=run)
    actor.start()
    assert due.wait(120)
    time.sleep(MOMENTS.uniform(0, 0.08))
    server.kill()
    actor.join()
    assert failures, "the action ended before the kill: nothing was tested"


def make(client: QdrantClient, name: str) -> None:
    client.create_collection(
        name,
        vectors_config={
            "text": m.VectorParams(size=16, distance=m.Distance.COSINE),
            "look": m.VectorParams(
                size=8,
                distance=m.Distance.DOT,
                multivector_config=m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM),
            ),
        },
        sparse_vectors_config={"terms": m.SparseVectorParams(modifier=m.Modifier.IDF)},
    )
    client.create_payload_index(name, "round", "integer")


def points(batch: int, round_: int) -> list[m.PointStruct]:
    ids = range(batch * BATCH, (batch + 1) * BATCH)
    return [
        m.PointStruct(
            id=one,
            vector={"text": text(one % SIZE), "look": look(one % SIZE), "terms": terms(one % SIZE)},
            payload={"round": round_, "batch": batch, "one": one},
        )
        for one in ids
    ]


@WAITING
def test_no_acknowledged_point_is_lost_and_none_is_half_there(start: Callable[[], Any], wait: bool) -> None:
    """Five rounds on one directory: each writes over the points of the one before, and is killed in the middle."""
    server = start()
    make(server.client(), "shelf")
    acknowledged: dict[int, int] = {}  # batch -> the last round that was acknowledged
    for round_ in range(5):
        begun: dict[int, int] = {}

        def write(
            client: QdrantClient, step: Callable[[], None], round_: int = round_, begun: dict[int, int] = begun
        ) -> None:
            for batch in itertools.count():
                step()
                begun[batch] = round_
                client.upsert("shelf", points(batch, round_), wait=wait)
                acknowledged[batch] = round_

        until_killed(server, write, most_steps=40)
        server = start()
        client = server.client()
        records, _ = client.scroll("shelf", limit=1_000_000, with_vectors=True)
        found = {record.id: record for record in records}
        for batch, last in acknowledged.items():
            for one in range(batch * BATCH, (batch + 1) * BATCH):
                assert found[one].payload["round"] in (last, begun.get(batch, last)), f"point {one} went back in time"
        # What was begun and not acknowledged may be there or not; what was found once has to stay.
        acknowledged.update({each: found[each * BATCH].payload["round"] for each in begun if each * BATCH in found})
        for record in records:
            assert record.payload.keys() == {"round", "batch", "one"}
            assert record.payload["one"] == record.id
            assert len(record.vector["text"]) == 16
            assert len(record.vector["look"]) == len(LOOKS[record.id % SIZE])
            assert record.vector["terms"].indices == terms(record.id % SIZE).indices
        counted = sum(hit.count for hit in client.facet("shelf", "round", limit=100).hits)
        assert counted == client.count("shelf").count == len(records)
    assert acknowledged


def test_no_acknowledged_delete_or_payload_is_lost(start: Callable[[], Any]) -> None:
    server = start()
    client = server.client()
    make(client, "shelf")
    total = 60 * BATCH
    for batch in range(60):
        client.upsert("shelf", points(batch, 0))
    done = {"deleted": -1, "changed": total}

    def change(client: QdrantClient, step: Callable[[], None]) -> None:
        for one in range(total // 2):
            step()
            client.delete("shelf", [one])
            done["deleted"] = one
            client.set_payload("shelf", {"round": 9}, [total - 1 - one])
            done["changed"] = total - 1 - one

    until_killed(server, change, most_steps=300)
    client = start().client()
    assert client.retrieve("shelf", list(range(done["deleted"] + 1))) == []
    changed = client.retrieve("shelf", list(range(done["changed"], total)))
    assert {record.payload["round"] for record in changed} == {9}
    assert client.count("shelf").count in (total - done["deleted"] - 1, total - done["deleted"] - 2)


def test_collections_are_there_or_not_and_aliases_point_to_one(start: Callable[[], Any]) -> None:
    """A collection is filled beside the live one, the alias moves, the old one goes; killed at any point of it."""
    server = start()
    make(server.client(), "v0")
    server.client().upsert("v0", points(0, 0))
    server.client().update_collection_aliases([_alias("v0")])
    reached = {"live": 0}
    gone: set[str] = set()

    def roll(client: QdrantClient, step: Callable[[], None]) -> None:
        for version in range(reached["live"] + 1, 1_000):
            step()
            if client.collection_exists(f"v{version}"):
                client.delete_collection(f"v{version}")
            step()
            make(client, f"v{version}")
            step()
            client.upsert(f"v{version}", points(0, version))
            step()
            drop = m.DeleteAliasOperation(delete_alias=m.DeleteAlias(alias_name="live"))
            client.update_collection_aliases([drop, _alias(f"v{version}")])
            reached["live"] = version
            step()
            client.delete_collection(f"v{version - 1}")
            gone.add(f"v{version - 1}")

    for _ in range(8):
        until_killed(server, roll, most_steps=20)
        server = start()
        client = server.client()
        (alias,) = client.get_aliases().aliases
        version = int(alias.collection_name.removeprefix("v"))
        assert version in (reached["live"], reached["live"] + 1)
        records = client.scroll("live", limit=BATCH + 1)[0]
        assert len(records) == BATCH
        assert {record.payload["round"] for record in records} == {version}
        names = {one.name for one in client.get_collections().collections}
        assert f"v{version}" in names
        assert not names & gone
        for name in names:  # whole, whatever the moment
            assert client.get_collection(name).config.params.vectors.keys() == {"text", "look"}
            client.upsert(name, points(1, version))
            client.delete(name, list(range(BATCH, 2 * BATCH)))
        reached["live"] = version
    assert reached["live"] > 0


def _alias(name: str) -> m.CreateAliasOperation:
    return m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=name, alias_name="live"))
