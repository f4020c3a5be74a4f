"""How fast the embedded Qdrant answers: `python benchmarks/vectord.py --size 10000 50000`.

One query for 24 hits with their payload, 384 dimensions, clustered vectors, in one run:

    ours    vectord on loopback through qdrant-client, before and after its optimisation
    floor   the same engine in this process, no server and no client, before and after `optimize()`
    peer    qdrant-client's local mode
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from qdrant_client import QdrantClient, models

DIMENSION, HITS, CLUSTERS, BATCH = 384, 24, 200, 500
NAME = "bench"
Query = Callable[[list[float]], list[Any]]  # a vector to the ids of its hits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs="+", default=[10_000])
    parser.add_argument("--queries", type=int, default=300)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")  # loopback
    for size in arguments.size:
        vectors, queries = made(size, arguments.queries)
        true = nearest(vectors, queries)
        for report in (ours(vectors, queries, true), floor(vectors, queries, true), peer(vectors, queries, true)):
            print(json.dumps({"points": size} | report))


def made(size: int, queries: int) -> tuple[np.ndarray, list[list[float]]]:
    """Unit vectors around random centres: `(size, DIMENSION)` float32, and queries like them."""
    random = np.random.default_rng(1)
    centres = random.normal(size=(CLUSTERS, DIMENSION))
    drawn = centres[random.integers(CLUSTERS, size=size + queries)] + random.normal(size=(size + queries, DIMENSION))
    drawn = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return drawn[:size], drawn[size:].tolist()


def nearest(vectors: np.ndarray, queries: list[list[float]]) -> list[set[int]]:
    scores = np.asarray(queries, dtype=np.float32) @ vectors.T
    return [set(row) for row in np.argpartition(-scores, HITS, axis=1)[:, :HITS].tolist()]


def timed(query: Query, queries: list[list[float]], true: list[set[int]]) -> dict[str, float]:
    for vector in queries[:20]:
        query(vector)
    seconds, found = [], 0
    for vector, wanted in zip(queries, true, strict=True):
        started = time.perf_counter()
        hits = query(vector)
        seconds.append(time.perf_counter() - started)
        found += len(wanted.intersection(hits))
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    return {
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "recall": round(found / HITS / len(queries), 4),
    }


def payload(number: int) -> dict[str, Any]:
    return {"sku": f"A-{number}", "price": number % 97 / 2, "brand": f"b{number % 50}", "stock": number % 11}


def fill(client: QdrantClient, vectors: np.ndarray) -> float:
    """Returns points per second."""
    client.create_collection(
        NAME,
        vectors_config=models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=0),
    )
    started = time.perf_counter()
    for start in range(0, len(vectors), BATCH):
        rows = enumerate(vectors[start : start + BATCH].tolist(), start)
        client.upsert(NAME, [models.PointStruct(id=i, vector=row, payload=payload(i)) for i, row in rows])
    return len(vectors) / (time.perf_counter() - started)


def through(client: QdrantClient) -> Query:
    def query(vector: list[float]) -> list[Any]:
        return [hit.id for hit in client.query_points(NAME, query=vector, limit=HITS, with_payload=True).points]

    return query


def ours(vectors: np.ndarray, queries: list[list[float]], true: list[set[int]]) -> dict[str, Any]:
    source = Path(__file__).resolve().parents[1] / "platform"
    with tempfile.TemporaryDirectory() as directory:
        endpoint = Path(directory) / "endpoint.json"
        command = [sys.executable, "-m", "vectord", "--data", directory]
        process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(source)}, stderr=subprocess.DEVNULL)
        try:
            while not endpoint.exists():
                time.sleep(0.05)
            where = json.loads(endpoint.read_text())
            client = QdrantClient(url=where["url"], api_key=where["api_key"], timeout=120)
            speed = fill(client, vectors)
            before = timed(through(client), queries, true)
            client.update_collection(NAME, optimizers_config=models.OptimizersConfigDiff(indexing_threshold=10_000))
            started = time.perf_counter()
            while client.get_collection(NAME).segments_count < 2:  # an indexed one beside the one that takes writes
                time.sleep(0.2)
            seconds = time.perf_counter() - started
            after = timed(through(client), queries, true)
        finally:
            process.terminate()
            process.wait()
    return {
        "what": "ours: vectord through qdrant-client",
        "before": before,
        "after": after,
        "upserts_per_s": round(speed),
        "optimise_s": round(seconds, 1),
    }


def floor(vectors: np.ndarray, queries: list[list[float]], true: list[set[int]]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        config = edge.EdgeConfig(vectors=edge.EdgeVectorParams(DIMENSION, edge.Distance.Cosine))
        shard = edge.EdgeShard.create(f"{directory}/shard", config)
        started = time.perf_counter()
        for start in range(0, len(vectors), BATCH):
            rows = enumerate(vectors[start : start + BATCH].tolist(), start)
            shard.update(edge.UpdateOperation.upsert_points([edge.Point(i, row, payload(i)) for i, row in rows]))
        speed = len(vectors) / (time.perf_counter() - started)

        def query(vector: list[float]) -> list[Any]:
            request = edge.QueryRequest(limit=HITS, query=edge.Query.Nearest(vector), with_payload=True)
            return [hit.id for hit in shard.query(request)]

        before = timed(query, queries, true)
        started = time.perf_counter()
        shard.optimize()
        seconds = time.perf_counter() - started
        after = timed(query, queries, true)
        shard.close()
    return {
        "what": "floor: the engine in this process",
        "before": before,
        "after": after,
        "upserts_per_s": round(speed),
        "optimise_s": round(seconds, 1),
    }


def peer(vectors: np.ndarray, queries: list[list[float]], true: list[set[int]]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it advises a server beyond 20,000 points
        client = QdrantClient(":memory:")
        speed = fill(client, vectors)
        figures = timed(through(client), queries, true)
    return {"what": "peer: qdrant-client's local mode", "before": figures, "upserts_per_s": round(speed)}


if __name__ == "__main__":
    main()
