"""What the server says to requests that are wrong, forbidden, too large or beyond it; aliases, indexes, thresholds."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m

from tests.vectord import catalogue, openapi
from tests.vectord.catalogue import look, terms, text
from tests.vectord.test_congruence import DBSF, RRF, TEXT_HITS, THREE, must, value

SHELF = "requests"


@pytest.fixture(scope="module")
def http(vectord_server: Any) -> Iterator[httpx.Client]:
    """A bare client with the key, on a server that has the catalogue."""
    with closing(vectord_server.client()) as client:
        catalogue.fill(client, SHELF)
        with httpx.Client(base_url=vectord_server.url, headers={"api-key": vectord_server.api_key}, timeout=60) as made:
            yield made
        client.delete_collection(SHELF)


def refused(response: httpx.Response, status: int) -> str:
    """The sentence, after checking its frame."""
    assert response.status_code == status, response.text
    answer = response.json()
    assert answer.keys() == {"status", "time"}
    sentence = answer["status"]["error"]
    assert len(sentence.split()) > 2
    assert "Traceback" not in sentence
    return sentence


def post(http: httpx.Client, path: str, body: Any) -> httpx.Response:
    return http.post(f"/collections/{SHELF}{path}", json=body)


@pytest.mark.parametrize("key", [None, "", "wrong", "é"])
def test_nothing_without_the_key(http: httpx.Client, key: str | None) -> None:
    headers = {} if key is None else {"api-key": key.encode().decode("latin-1").encode("latin-1")}
    for path in ("/", "/collections", f"/collections/{SHELF}", "/nothing"):
        assert "API key" in refused(httpx.get(http.base_url.join(path), headers=headers), 401)
    assert "API key" in refused(httpx.delete(http.base_url.join(f"/collections/{SHELF}"), headers=headers), 401)


def test_bearer_tokens_are_keys_too(http: httpx.Client, vectord_server: Any) -> None:
    headers = {"Authorization": f"Bearer {vectord_server.api_key}"}
    assert httpx.get(http.base_url.join("/collections"), headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez"])
def test_health_is_open(http: httpx.Client, path: str) -> None:
    assert httpx.get(http.base_url.join(path)).status_code == 200


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("GET", "/collections/nothing", None),
        ("POST", "/collections/nothing/points/query", {"query": [1.0]}),
        ("PUT", "/collections/nothing/points", {"points": []}),
        ("PUT", "/collections/nothing/index", {"field_name": "a", "field_schema": "keyword"}),
        ("PATCH", "/collections/nothing", {"metadata": {}}),
        ("GET", "/collections/nothing/aliases", None),
        ("GET", f"/collections/{SHELF}/points/99999", None),
        ("POST", f"/collections/{SHELF}/points/query", {"query": 99999, "using": "text"}),
        ("POST", f"/collections/{SHELF}/points/query", {"query": 0, "using": "look"}),
        (
            "POST",
            f"/collections/{SHELF}/points/query",
            {"query": 1, "using": "text", "lookup_from": {"collection": "x"}},
        ),
    ],
)
def test_404_for_what_is_not_there(http: httpx.Client, verb: str, path: str, body: Any) -> None:
    assert refused(http.request(verb, path, json=body), 404).startswith("Not found: ")


BAD_QUERIES: dict[str, Any] = {
    "dimension": {"query": [1.0, 2.0], "using": "text"},
    "vector name": {"query": text(1), "using": "nothing"},
    "no such unnamed vector": {"query": text(1)},
    "sparse for dense": {"query": {"indices": [1], "values": [1.0]}, "using": "text"},
    "dense for sparse": {"query": [1.0], "using": "terms"},
    "many for one": {"query": [text(1), text(2)], "using": "text"},
    "sparse lengths": {"query": {"indices": [1, 2], "values": [1.0]}, "using": "terms"},
    "sparse twice": {"query": {"indices": [1, 1], "values": [1.0, 1.0]}, "using": "terms"},
    "sparse negative": {"query": {"indices": [-1], "values": [1.0]}, "using": "terms"},
    "too large a number": {"query": [1e300] * catalogue.TEXT, "using": "text"},
    "unknown field": {"query": text(1), "using": "text", "limits": 5},
    "unknown field in prefetch": {
        "prefetch": {"query": text(1), "using": "text", "top": 3},
        "query": {"fusion": "rrf"},
    },
    "unknown field in filter": {"query": text(1), "using": "text", "filter": {"musts": []}},
    "unknown parameter": {"query": text(1), "using": "text", "params": {"ef": 3}},
    "unknown fusion": {"prefetch": [], "query": {"fusion": "sum"}},
    "fusion of nothing": {"query": {"fusion": "rrf"}},
    "formula over nothing": {"query": {"formula": "$score"}},
    "prefetch for nothing": {"prefetch": {"query": text(1), "using": "text"}},
    "weights": {
        "prefetch": [{"query": text(1), "using": "text"}],
        "query": {"rrf": {"weights": [1.0, 2.0]}},
    },
    "limit zero": {"query": text(1), "using": "text", "limit": 0},
    "negative limit": {"query": text(1), "using": "text", "limit": -1},
    "negative offset": {"query": text(1), "using": "text", "offset": -1},
    "limit as text": {"query": text(1), "using": "text", "limit": "5"},
    "bad id": {"query": "not-a-uuid", "using": "text"},
    "negative id": {"query": -5, "using": "text"},
    "recommend from nothing": {"query": {"recommend": {}}, "using": "text"},
    "mean of negatives only": {"query": {"recommend": {"negative": [1]}}, "using": "text"},
    "diversity": {"query": {"nearest": text(1), "mmr": {"diversity": 2.0}}, "using": "text"},
    "no index to order by": {"query": {"order_by": "sku"}},
    "variable without a value": {
        "prefetch": {"query": text(1), "using": "text"},
        "query": {"formula": {"sum": ["$score", "rank"]}},
    },
    "comparison of nothing": {"query": text(1), "using": "text", "filter": {"must": [{"key": "a"}]}},
    "two comparisons": {
        "query": text(1),
        "using": "text",
        "filter": {"must": [{"key": "a", "match": {"value": 1}, "range": {"gt": 1}}]},
    },
    "mixed kinds": {"query": text(1), "using": "text", "filter": {"must": [{"key": "a", "match": {"any": [1, "x"]}}]}},
    "bad path": {"query": text(1), "using": "text", "filter": {"must": [{"key": "a[", "match": {"value": 1}}]}},
    "latitude": {
        "query": text(1),
        "using": "text",
        "filter": {"must": [{"key": "place", "geo_radius": {"center": {"lat": 95, "lon": 0}, "radius": 1}}]},
    },
    "payload of nothing known": {"query": text(1), "using": "text", "with_payload": {"only": ["a"]}},
    "vectors of nothing known": {"query": text(1), "using": "text", "with_vector": ["nothing"]},
    "a list": [],
    "a number": 5,
}


@pytest.mark.parametrize("name", BAD_QUERIES)
def test_400_for_a_query_that_makes_no_sense(http: httpx.Client, name: str) -> None:
    refused(post(http, "/points/query", BAD_QUERIES[name]), 400)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"query": [NaN], "using": "text"}', b"null"]
)
def test_400_for_a_body_that_is_no_json(http: httpx.Client, body: bytes) -> None:
    refused(http.post(f"/collections/{SHELF}/points/query", content=body), 400)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/points/scroll", {"limit": 0}),
        ("/points/scroll", {"order_by": "price", "offset": 3}),
        ("/facet", {"key": "price"}),  # floats have no facets
        ("/facet", {"key": "sku"}),  # nor have fields without an index
        ("/facet", {"key": "colour", "limit": 0}),
        ("/points/delete", {}),
        ("/points/delete", {"points": [1], "other": 2}),
        ("/points/payload", {"payload": {"a": 1}}),
        ("/points/vectors/delete", {"points": [1], "vector": ["nothing"]}),
        ("/points/query/groups", {"query": text(1), "using": "text"}),
        ("/points/query/groups", {"query": text(1), "using": "text", "group_by": "colour", "group_size": 0}),
        ("/points/batch", {"operations": [{"delete": {"points": [1]}}, {"grow": {"points": [1]}}]}),
    ],
)
def test_400_for_other_calls_that_make_no_sense(http: httpx.Client, path: str, body: Any) -> None:
    refused(post(http, path, body), 400)
    assert http.get(f"/collections/{SHELF}/points/1").status_code == 200


@pytest.mark.parametrize(
    "body", [{"vectors": {"size": 0, "distance": "Dot"}}, {"vectors": {"size": 3}}, {"vector": {}}]
)
def test_400_for_a_collection_that_makes_no_sense(http: httpx.Client, body: Any) -> None:
    refused(http.put("/collections/senseless", json=body), 400)
    assert http.get("/collections/senseless/exists").json()["result"] == {"exists": False}


@pytest.mark.parametrize("name", ["a" * 256, "a:b", "a%22b", "a%00b", "..%5Cx"])
def test_400_for_names_that_no_collection_can_have(http: httpx.Client, name: str) -> None:
    refused(http.put(f"/collections/{name}", json={"vectors": {"size": 3, "distance": "Dot"}}), 400)


def test_409_for_a_collection_that_exists(http: httpx.Client) -> None:
    refused(http.put(f"/collections/{SHELF}", json={"vectors": {"size": 3, "distance": "Dot"}}), 409)
    assert http.get(f"/collections/{SHELF}").json()["result"]["points_count"] == catalogue.SIZE


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("GET", "/telemetry", None),
        ("GET", "/metrics", None),
        ("GET", "/cluster", None),
        ("POST", f"/collections/{SHELF}/snapshots", None),
        ("GET", f"/collections/{SHELF}/cluster", None),
        ("POST", f"/collections/{SHELF}/points/search/matrix/pairs", {"sample": 10}),
        ("POST", f"/collections/{SHELF}/points/search", {"vector": text(1), "limit": 3}),
        ("POST", f"/collections/{SHELF}/points/query", {"query": text(1), "using": "text", "shard_key": "a"}),
        ("POST", f"/collections/{SHELF}/points/query", {"query": {"text": "words", "model": "bm25"}, "using": "terms"}),
        ("POST", f"/collections/{SHELF}/points/query", {"query": {"text": "words"}, "using": "sku"}),
        (
            "POST",
            f"/collections/{SHELF}/points/query",
            {"query": terms(1).model_dump(), "using": "terms", "params": {"idf": {"corpus": {"must": []}}}},
        ),
        ("POST", f"/collections/{SHELF}/points/count", {"filter": {"must": [{"slice": {"total": 2, "index": 0}}]}}),
        (
            "POST",
            f"/collections/{SHELF}/points/query/groups",
            {"query": text(1), "using": "text", "group_by": "colour", "with_lookup": "other"},
        ),
        ("PUT", f"/collections/{SHELF}/points/payload", {"payload": {}, "points": [1], "key": "brand"}),
        ("PUT", f"/collections/{SHELF}/points?fast=true", {"points": []}),
        ("PUT", "/collections/sharded", {"vectors": {"size": 3, "distance": "Dot"}, "sharding_method": "custom"}),
        ("PUT", "/collections/bare", {}),
        ("PATCH", f"/collections/{SHELF}", {"vectors": {"text": {"on_disk": True}}}),
    ],
)
def test_501_with_a_sentence_for_what_is_beyond_it(http: httpx.Client, verb: str, path: str, body: Any) -> None:
    assert "does not implement" in refused(http.request(verb, path, json=body), 501)


@pytest.mark.slow
def test_413_for_a_body_of_more_than_64_megabytes(http: httpx.Client) -> None:
    def stream() -> Iterator[bytes]:
        for _ in range(65):
            yield b" " * 1024 * 1024

    assert "smaller batches" in refused(http.put(f"/collections/{SHELF}/points", content=stream()), 413)
    whole = b" " * 80 * 1024 * 1024
    assert "smaller batches" in refused(http.put(f"/collections/{SHELF}/points", content=whole), 413)
    assert http.get("/collections").status_code == 200


# Where local mode differs from the server, the server's documented behaviour, held directly


@pytest.mark.parametrize(("query", "threshold"), [(RRF, 0.3), (DBSF, 0.9)])
def test_a_threshold_on_a_fusion_is_honoured(client: QdrantClient, query: Any, threshold: float) -> None:
    """Local mode ignores it (qdrant-client#1136)."""
    catalogue.fill(client)
    every = client.query_points(catalogue.NAME, prefetch=THREE, query=query, limit=100).points
    kept = client.query_points(catalogue.NAME, prefetch=THREE, query=query, limit=100, score_threshold=threshold).points
    assert {hit.id for hit in kept} == {hit.id for hit in every if hit.score >= threshold}
    assert 0 < len(kept) < len(every)


def test_indexed_only_and_sample_answer(client: QdrantClient) -> None:
    catalogue.fill(client)
    params = m.SearchParams(indexed_only=True)
    assert client.query_points(catalogue.NAME, query=text(1), using="text", search_params=params).points
    drawn = client.query_points(
        catalogue.NAME,
        query=m.SampleQuery(sample=m.Sample.RANDOM),
        query_filter=must(value("colour", "red")),
        limit=20,
        with_payload=True,
    ).points
    assert len({hit.id for hit in drawn}) == 20
    assert {hit.payload["colour"] for hit in drawn} == {"red"}


def test_text_index_matches_words_and_phrases(client: QdrantClient) -> None:
    client.create_collection("texts", vectors_config=m.VectorParams(size=1, distance=m.Distance.DOT))
    schema = m.TextIndexParams(
        type=m.TextIndexType.TEXT,
        tokenizer=m.TokenizerType.WORD,
        lowercase=True,
        phrase_matching=True,
        stemmer=m.SnowballParams(type=m.Snowball.SNOWBALL, language=m.SnowballLanguage.ENGLISH),
    )
    client.create_payload_index("texts", "title", schema)
    titles = ["Red running shoes", "Shoes for the runner, red", "Blue lamp"]
    client.upsert("texts", [m.PointStruct(id=i, vector={}, payload={"title": title}) for i, title in enumerate(titles)])

    def matching(match: m.Match) -> list[Any]:
        only = m.Filter(must=[m.FieldCondition(key="title", match=match)])
        return [one.id for one in client.scroll("texts", scroll_filter=only)[0]]

    assert matching(m.MatchText(text="shoe RED")) == [0, 1]
    assert matching(m.MatchTextAny(text_any="lamp running")) == [0, 2]
    assert matching(m.MatchPhrase(phrase="red running")) == [0]
    shown = client.get_collection("texts").payload_schema["title"]
    assert (shown.data_type, shown.points) == (m.PayloadSchemaType.TEXT, 3)
    assert shown.params.phrase_matching is True


# Collections and aliases


def test_collection_shows_the_configuration_it_was_given(vectord_server: Any) -> None:
    with closing(vectord_server.client(event_hooks=openapi.event_hooks())) as client:
        client.create_collection(
            "tuned",
            vectors_config=m.VectorParams(size=3, distance=m.Distance.DOT, on_disk=True),
            shard_number=2,
            replication_factor=2,
            write_consistency_factor=1,
            on_disk_payload=True,
            hnsw_config=m.HnswConfigDiff(m=8, ef_construct=64),
            optimizers_config=m.OptimizersConfigDiff(indexing_threshold=5000),
            quantization_config=m.ScalarQuantization(scalar=m.ScalarQuantizationConfig(type=m.ScalarType.INT8)),
            strict_mode_config=m.StrictModeConfig(enabled=True, max_query_limit=500),
            metadata={"model_id": "a", "dim": 3},
        )
        client.update_collection("tuned", metadata={"model_id": "b", "more": [1]})
        client.update_collection("tuned", collection_params=m.CollectionParamsDiff(replication_factor=3))
        client.update_collection("tuned", hnsw_config=m.HnswConfigDiff(ef_construct=80))
        config = client.get_collection("tuned").config
        assert config.params.vectors == m.VectorParams(size=3, distance=m.Distance.DOT, on_disk=True)
        assert (config.params.shard_number, config.params.replication_factor) == (2, 3)
        assert (config.hnsw_config.m, config.hnsw_config.ef_construct) == (8, 80)
        assert config.optimizer_config.indexing_threshold == 5000
        assert config.quantization_config is not None
        assert config.strict_mode_config.max_query_limit == 500
        assert config.metadata == {"model_id": "b", "dim": 3, "more": [1]}
        client.upsert("tuned", [m.PointStruct(id=1, vector=[1.0, 2.0, 3.0])])
        assert client.query_points("tuned", query=[1.0, 0.0, 0.0], with_vectors=True).points[0].vector == [
            1.0,
            2.0,
            3.0,
        ]
        assert client.delete_collection("tuned") is True
        assert client.delete_collection("tuned") is False


def alias(collection: str, name: str) -> m.CreateAliasOperation:
    return m.CreateAliasOperation(create_alias=m.CreateAlias(collection_name=collection, alias_name=name))


def drop(name: str) -> m.DeleteAliasOperation:
    return m.DeleteAliasOperation(delete_alias=m.DeleteAlias(alias_name=name))


def test_aliases_stand_for_collections_everywhere(vectord_server: Any, client: QdrantClient) -> None:
    watched = vectord_server.client(event_hooks=openapi.event_hooks())
    for number, name in enumerate(("v1", "v2")):
        watched.create_collection(name, vectors_config=m.VectorParams(size=2, distance=m.Distance.DOT))
        watched.upsert(name, [m.PointStruct(id=number, vector=[1.0, 1.0], payload={"version": name})])
    watched.update_collection_aliases([alias("v1", "live")])
    assert watched.query_points("live", query=[1.0, 1.0]).points[0].payload == {"version": "v1"}
    watched.update_collection_aliases([drop("live"), alias("v2", "live"), alias("v1", "old")])
    assert watched.query_points("live", query=[1.0, 1.0]).points[0].payload == {"version": "v2"}
    assert watched.collection_exists("live")
    assert watched.count("old").count == 1
    watched.create_payload_index("live", "version", "keyword")
    assert "version" in watched.get_collection("v2").payload_schema
    listed = {(one.alias_name, one.collection_name) for one in watched.get_aliases().aliases}
    assert listed >= {("live", "v2"), ("old", "v1")}
    assert [one.alias_name for one in watched.get_collection_aliases("v1").aliases] == ["old"]
    rename = m.RenameAlias(old_alias_name="old", new_alias_name="older")
    watched.update_collection_aliases([m.RenameAliasOperation(rename_alias=rename)])
    assert watched.count("older").count == 1
    assert [one.name for one in watched.get_collections().collections if one.name in ("live", "older")] == []
    watched.delete_collection("v1")
    assert not watched.collection_exists("older")
    watched.close()


def test_a_change_of_aliases_happens_wholly_or_not_at_all(client: QdrantClient) -> None:
    client.create_collection("v3", vectors_config=m.VectorParams(size=2, distance=m.Distance.DOT))
    client.update_collection_aliases([alias("v3", "live3")])
    for wrong, status in ((alias("nothing", "x"), 404), (alias("v3", "v3"), 409), (alias("v3", "a/b"), 400)):
        with pytest.raises(Exception, match=str(status)):
            client.update_collection_aliases([drop("live3"), wrong])
        assert client.collection_exists("live3")
    with pytest.raises(Exception, match="400"):
        client.create_collection("live3", vectors_config=m.VectorParams(size=2, distance=m.Distance.DOT))


@pytest.mark.data
def test_every_refusal_fits_the_description(http: httpx.Client) -> None:
    for name, body in BAD_QUERIES.items():
        answer = post(http, "/points/query", body)
        path = f"/collections/{SHELF}/points/query"
        assert json.loads(answer.text), name
        openapi.validate_exchange("POST", path, None, answer.status_code, answer.json())


@pytest.mark.slow
def test_look_ups_between_collections_of_other_sizes_are_refused(client: QdrantClient) -> None:
    catalogue.fill(client)
    client.create_collection("wide", vectors_config={"text": m.VectorParams(size=99, distance=m.Distance.DOT)})
    client.upsert("wide", [m.PointStruct(id=1, vector={"text": [1.0] * 99})])
    elsewhere = m.LookupLocation(collection="wide")
    recommend = m.RecommendQuery(recommend=m.RecommendInput(positive=[look(1)[0] * 2], negative=[1]))
    for query in (1, recommend):
        with pytest.raises(Exception, match="expected dim: 16, got 99"):
            client.query_points(catalogue.NAME, query=query, using="text", lookup_from=elsewhere)
    assert client.query_points(catalogue.NAME, prefetch=TEXT_HITS, query=text(1), using="text").points
