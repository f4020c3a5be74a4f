"""The same writes on vectord and on qdrant-client's local mode leave the same points behind."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from tests.vectord import catalogue, openapi
from tests.vectord.catalogue import NAME, assert_same, comparable, identity, terms, text
from tests.vectord.test_congruence import must, value

Write = Callable[[QdrantClient], Any]
OWN = "own shelf"
RED = must(value("colour", "red"))
MOVED = {"text": text(200), "terms": terms(201)}


@pytest.fixture(scope="module")
def pair(vectord_server: Any) -> Iterator[tuple[QdrantClient, QdrantClient]]:
    ours = vectord_server.client(event_hooks=openapi.event_hooks())
    theirs = QdrantClient(":memory:")
    for client in (ours, theirs):
        catalogue.create(client)
    yield ours, theirs
    ours.delete_collection(NAME)
    ours.close()


def upsert(*points: m.PointStruct, **options: Any) -> Write:
    return lambda client: client.upsert(NAME, list(points), **options)


WRITES: dict[str, Write] = {
    "new point": upsert(m.PointStruct(id=900, vector=MOVED, payload={"colour": "white"})),
    "replaced point": upsert(m.PointStruct(id=3, vector=MOVED, payload={"colour": "white"})),
    "point without payload": upsert(m.PointStruct(id=901, vector={"text": text(1)})),
    "point without vectors": upsert(m.PointStruct(id=902, vector={}, payload={"colour": "white"})),
    "same id twice": upsert(
        m.PointStruct(id=903, vector={"text": text(1)}, payload={"n": 1}),
        m.PointStruct(id=903, vector={"text": text(2)}, payload={"n": 2}),
    ),
    "columns": lambda client: client.upsert(
        NAME,
        m.Batch(
            ids=[910, identity(290)],
            vectors={"text": [text(4), text(5)], "look": [catalogue.look(4), catalogue.look(5)]},
            payloads=[{"colour": "white"}, {"colour": "grey"}],
        ),
    ),
    "only where the filter holds": upsert(
        *(m.PointStruct(id=i, vector=MOVED, payload={"colour": "white"}) for i in range(8)), update_filter=RED
    ),
    "delete by id": lambda client: client.delete(NAME, [1, 2, 99999, identity(280)]),
    "delete by filter": lambda client: client.delete(NAME, RED),
    "set payload": lambda client: client.set_payload(NAME, {"colour": "white", "fresh": [1, {"a": None}]}, [1, 2]),
    "set payload by filter": lambda client: client.set_payload(NAME, {"colour": "white"}, RED),
    "set payload under a key": lambda client: client.set_payload(NAME, {"name": "none"}, [1, 2], key="brand"),
    "overwrite payload": lambda client: client.overwrite_payload(NAME, {"only": True}, [1, identity(280)]),
    "overwrite payload by filter": lambda client: client.overwrite_payload(NAME, {"only": True}, RED),
    "delete payload keys": lambda client: client.delete_payload(NAME, ["colour", "brand.name"], [1, 2]),
    "delete payload keys by filter": lambda client: client.delete_payload(NAME, ["stock"], RED),
    "clear payload": lambda client: client.clear_payload(NAME, [1, 2]),
    "clear payload by filter": lambda client: client.clear_payload(NAME, m.FilterSelector(filter=RED)),
    "update vectors": lambda client: client.update_vectors(NAME, [m.PointVectors(id=1, vector=MOVED)]),
    "delete vectors": lambda client: client.delete_vectors(NAME, ["look", "terms"], [1, 2]),
    "delete vectors by filter": lambda client: client.delete_vectors(NAME, ["look"], RED),
    "several at once": lambda client: client.batch_update_points(
        NAME,
        [
            m.UpsertOperation(upsert=m.PointsList(points=[m.PointStruct(id=1, vector=MOVED, payload={"step": 1})])),
            m.SetPayloadOperation(set_payload=m.SetPayload(payload={"step": 2}, points=[1])),
            m.OverwritePayloadOperation(overwrite_payload=m.SetPayload(payload={"step": 3}, points=[2])),
            m.DeletePayloadOperation(delete_payload=m.DeletePayload(keys=["stock"], points=[4])),
            m.ClearPayloadOperation(clear_payload=m.PointIdsList(points=[5])),
            m.UpdateVectorsOperation(
                update_vectors=m.UpdateVectors(points=[m.PointVectors(id=6, vector={"text": text(9)})])
            ),
            m.DeleteVectorsOperation(delete_vectors=m.DeleteVectors(vector=["look"], points=[7])),
            m.DeleteOperation(delete=m.PointIdsList(points=[8])),
        ],
    ),
}


def everything(client: QdrantClient) -> Any:
    records, rest = client.scroll(NAME, limit=1000, with_vectors=True)
    assert rest is None
    return comparable(records)


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITES)
def test_leaves_what_local_mode_leaves(name: str, pair: tuple[QdrantClient, QdrantClient]) -> None:
    for client in pair:
        client.delete(NAME, m.Filter())
        catalogue.put(client)
    before = everything(pair[0])
    for client in pair:
        WRITES[name](client)
    ours, theirs = (everything(client) for client in pair)
    assert_same(ours, theirs)
    assert ours != before, "the write changed nothing"
    for field in ("colour", "stock"):
        facets = [{hit.value: hit.count for hit in client.facet(NAME, field, limit=50).hits} for client in pair]
        assert facets[0] == facets[1], "the payload index is behind the payload"


def test_modes_of_upsert(client: QdrantClient) -> None:
    """Local mode knows no modes: this is the documented behaviour of the server."""
    catalogue.fill(client, OWN)
    fresh = [m.PointStruct(id=i, vector={"text": text(1)}, payload={"v": 2}) for i in (1, 950)]
    client.upsert(OWN, fresh, update_mode=m.UpdateMode.INSERT_ONLY)
    assert [one.payload["v"] for one in client.retrieve(OWN, [1, 950]) if "v" in one.payload] == [2]
    client.delete(OWN, [950])
    client.upsert(OWN, fresh, update_mode=m.UpdateMode.UPDATE_ONLY)
    assert [one.id for one in client.retrieve(OWN, [1, 950])] == [1]
    assert client.retrieve(OWN, [1])[0].payload == {"v": 2}


def test_a_payload_of_a_point_that_is_not_there_is_an_error(client: QdrantClient) -> None:
    catalogue.fill(client, OWN)
    with pytest.raises(Exception, match="No point with id 99999 found"):
        client.set_payload(OWN, {"a": 1}, [99999])


def test_one_wrong_point_leaves_nothing_of_its_batch(client: QdrantClient) -> None:
    catalogue.fill(client, OWN)
    good = m.PointStruct(id=960, vector={"text": text(1)})
    for wrong in (
        m.PointStruct(id=961, vector={"text": [1.0, 2.0]}),
        m.PointStruct(id=961, vector={"nothing": [1.0]}),
        m.PointStruct(id=961, vector={"look": []}),
        m.PointStruct(id=961, vector={"text": [1e300] * catalogue.TEXT}),
        m.PointStruct(id=961, vector={"terms": m.SparseVector(indices=[1, 1], values=[1.0, 2.0])}),
        m.PointStruct(id=961, vector={"terms": m.SparseVector(indices=[1, 2], values=[1.0])}),
        m.PointStruct(id=-1, vector={"text": text(1)}),
    ):
        with pytest.raises(Exception, match="400"):
            client.upsert(OWN, [good, wrong])
        assert client.retrieve(OWN, [960, 961]) == []
