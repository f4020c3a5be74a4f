"""A small collection with every kind of vector and of payload, made from a seed, and a way to compare answers on it."""

import itertools
import uuid
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models

NAME = "shelf"
SIZE = 300
TEXT, LOOK, ROOM = 16, 8, 4

random = np.random.default_rng(7)
TEXTS = random.normal(size=(SIZE, TEXT)).astype(np.float32)
LOOKS = [random.normal(size=(1 + i % 3, LOOK)).astype(np.float32) for i in range(SIZE)]
ROOMS = random.normal(size=(SIZE, ROOM)).astype(np.float32)
TERMS = [np.sort(random.choice(60, size=3 + i % 5, replace=False)) for i in range(SIZE)]
WEIGHTS = [random.uniform(0.2, 2.0, size=len(terms)) for terms in TERMS]
COLOURS = ("red", "green", "blue", "black")
UUIDS = {i: str(uuid.UUID(int=i)) for i in range(250, SIZE)}
INDEXES = {
    "stock": "integer",
    "colour": "keyword",
    "tags": "keyword",
    "on_sale": "bool",
    "price": "float",
    "listed": "datetime",
    "place": "geo",
    "brand.name": "keyword",
}


def identity(i: int) -> int | str:
    return UUIDS.get(i, i)


def text(i: int) -> list[float]:
    return TEXTS[i].tolist()


def look(i: int) -> list[list[float]]:
    return LOOKS[i].tolist()


def terms(i: int) -> models.SparseVector:
    return models.SparseVector(indices=TERMS[i].tolist(), values=WEIGHTS[i].tolist())


def payload(i: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "sku": f"A-{i:04}",
        "stock": i % 17,
        "colour": COLOURS[i % 4],
        "tags": [f"t{i % 5}", f"t{i % 3 + 5}"] if i % 6 else [],
        "on_sale": i % 3 == 0,
        "price": round(5 + (i * 37 % 199) / 7, 2),
        "listed": f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}T{i % 24:02}:00:00Z",
        "place": {"lon": 9 + (i % 40) / 10, "lat": 45 + (i % 30) / 10},
        "brand": {"name": f"brand {i % 7}", "year": 1990 + i % 30},
        "variants": [{"size": size, "left": (i + size) % 4} for size in range(i % 4)],
    }
    if i % 10 == 0:
        made["note"] = None
    elif i % 10 < 4:
        made["note"] = "a plain note"
    return made


def point(i: int) -> models.PointStruct:
    vectors: dict[str, Any] = {"text": text(i), "room": ROOMS[i].tolist(), "terms": terms(i)}
    if i % 9:
        vectors["look"] = look(i)
    return models.PointStruct(id=identity(i), vector=vectors, payload=payload(i))


def fill(client: QdrantClient, name: str = NAME) -> None:
    create(client, name)
    put(client, name)


def create(client: QdrantClient, name: str = NAME) -> None:
    client.create_collection(
        name,
        vectors_config={
            "text": models.VectorParams(size=TEXT, distance=models.Distance.COSINE),
            "room": models.VectorParams(size=ROOM, distance=models.Distance.EUCLID),
            "look": models.VectorParams(
                size=LOOK,
                distance=models.Distance.DOT,
                multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
            ),
        },
        sparse_vectors_config={"terms": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    for field, kind in INDEXES.items():
        client.create_payload_index(name, field, kind)


def put(client: QdrantClient, name: str = NAME) -> None:
    for start in range(0, SIZE, 100):
        client.upsert(name, [point(i) for i in range(start, start + 100)])


def comparable(answer: Any) -> Any:
    """An answer as plain values. Left out: operation numbers and versions, which count each one's own history."""
    if isinstance(answer, list | tuple):
        return [comparable(one) for one in answer]
    if hasattr(answer, "model_dump"):
        return comparable(answer.model_dump(mode="json"))
    if isinstance(answer, dict):
        return {key: comparable(value) for key, value in answer.items() if key not in ("version", "operation_id")}
    return answer


def assert_same(ours: Any, theirs: Any, place: str = "answer") -> None:
    """Equal values, numbers to 1e-5; hits of equal score in any order."""
    if _is_hits(ours) and _is_hits(theirs):
        ours, theirs = _ties_by_id(ours), _ties_by_id(theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), place
        for key in ours:
            assert_same(ours[key], theirs[key], f"{place}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        assert len(ours) == len(theirs), f"{place}: {len(ours)} and {len(theirs)} of them"
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(one, other, f"{place}[{number}]")
    elif isinstance(ours, float) or isinstance(theirs, float):
        assert abs(ours - theirs) <= 1e-5 * max(1.0, abs(theirs)), f"{place}: {ours} and {theirs}"
    else:
        assert ours == theirs, place


def _is_hits(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "score" in one for one in value)


def _ties_by_id(hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups = itertools.groupby(hits, key=lambda hit: round(hit["score"], 4))
    return [hit for _, tied in groups for hit in sorted(tied, key=lambda hit: str(hit["id"]))]
