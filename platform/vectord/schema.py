"""A collection's configuration: as the caller gave it, as the engine wants it, and as it is shown."""

from typing import Any

import qdrant_edge as edge
from qdrant_client import models

from vectord.errors import bad_request, engine_errors, not_implemented

HNSW_DEFAULTS = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000, "max_indexing_threads": 0}
INDEXING_THRESHOLD = 10_000  # kilobytes of vectors in one segment; below it a plain scan is as fast
OPTIMIZER_DEFAULTS = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 2,
    "max_segment_size": None,
    "memmap_threshold": None,
    "indexing_threshold": INDEXING_THRESHOLD,
    "flush_interval_sec": 5,
    "max_optimization_threads": None,
}
MAX_DIMENSION = 65536


class VectorSchema:
    """What vectors a point of this collection may carry. The unnamed vector of Qdrant has the name ''."""

    def __init__(self, config: models.CreateCollection) -> None:
        given = config.vectors or {}
        self.dense: dict[str, models.VectorParams] = {"": given} if isinstance(given, models.VectorParams) else given
        self.sparse: dict[str, models.SparseVectorParams] = config.sparse_vectors or {}

    def size(self, name: str) -> int:
        return self.dense[name].size

    def is_multivector(self, name: str) -> bool:
        return name in self.dense and self.dense[name].multivector_config is not None

    def require(self, name: str) -> None:
        if name not in self.dense and name not in self.sparse:
            raise bad_request(f"Not existing vector name error: {name}")


def check_new_collection(config: models.CreateCollection) -> None:
    """Refuse what the engine would take and then answer differently from what was asked for."""
    schema = VectorSchema(config)
    if config.sharding_method not in (None, models.ShardingMethod.AUTO):
        raise not_implemented("custom sharding")
    if not schema.dense and not schema.sparse:
        raise not_implemented("a collection without vectors")
    for name, dense in schema.dense.items():
        if not 1 <= dense.size <= MAX_DIMENSION:
            raise bad_request(f"vectors.{name or 'size'}: a vector has between 1 and {MAX_DIMENSION} dimensions")
        if dense.datatype not in (None, *_DATATYPES):
            raise not_implemented(f"the datatype {dense.datatype} of the vector '{name}'")
    if both := schema.dense.keys() & schema.sparse.keys():
        raise bad_request(f"{', '.join(sorted(both))}: used for a dense and a sparse vector")
    for name, sparse in schema.sparse.items():
        if sparse.index is not None and sparse.index.datatype not in (None, models.Datatype.FLOAT32):
            raise not_implemented(f"the datatype {sparse.index.datatype} of the sparse vector '{name}'")


def engine_config(config: models.CreateCollection) -> edge.EdgeConfig:
    """The engine's configuration. Replicas, shards and quantization stay with the caller: one process has one shard,
    and unquantized vectors give the exact form of the same answers."""
    schema = VectorSchema(config)
    hnsw = _given(config.hnsw_config)
    optimizers = _given(config.optimizers_config)
    optimizers = {k: v for k, v in optimizers.items() if k in _ENGINE_OPTIMIZER_FIELDS}
    with engine_errors():
        return edge.EdgeConfig(
            vectors={name: _dense(one) for name, one in schema.dense.items()},
            sparse_vectors={name: _sparse(one) for name, one in schema.sparse.items()},
            on_disk_payload=config.on_disk_payload,
            hnsw_config=_hnsw(hnsw),
            optimizers=edge.EdgeOptimizersConfig(**optimizers),
            wal_enabled=True,  # without it a killed process loses every write since the last flush
        )


_DATATYPES = {
    models.Datatype.FLOAT32: edge.VectorStorageDatatype.Float32,
    models.Datatype.FLOAT16: edge.VectorStorageDatatype.Float16,
    models.Datatype.UINT8: edge.VectorStorageDatatype.Uint8,
}
_ENGINE_OPTIMIZER_FIELDS = {
    "deleted_threshold",
    "vacuum_min_vector_number",
    "default_segment_number",
    "max_segment_size",
    "indexing_threshold",
}


def _given(model: Any) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_none=True) if model is not None else {}


def _hnsw(given: dict[str, Any]) -> edge.HnswIndexConfig:
    settings = HNSW_DEFAULTS | {key: value for key, value in given.items() if key != "memory"}
    return edge.HnswIndexConfig(**settings)


def _dense(params: models.VectorParams) -> edge.EdgeVectorParams:
    multivector = None
    if params.multivector_config is not None:
        multivector = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim)
    return edge.EdgeVectorParams(
        size=params.size,
        distance=getattr(edge.Distance, params.distance.value),
        on_disk=params.on_disk,
        multivector_config=multivector,
        datatype=_DATATYPES[params.datatype] if params.datatype else None,
        hnsw_config=_hnsw(_given(params.hnsw_config)) if params.hnsw_config else None,
    )


def _sparse(params: models.SparseVectorParams) -> edge.EdgeSparseVectorParams:
    index = params.index
    return edge.EdgeSparseVectorParams(
        full_scan_threshold=index.full_scan_threshold if index else None,
        on_disk=index.on_disk if index else None,
        modifier=edge.Modifier.Idf if params.modifier == models.Modifier.IDF else None,
    )


def shown_config(config: models.CreateCollection) -> dict[str, Any]:
    """`CollectionConfig` of the REST description: what was given, on top of Qdrant's defaults."""
    given = config.model_dump(mode="json", exclude_none=True)
    params: dict[str, Any] = {"shard_number": 1, "replication_factor": 1, "write_consistency_factor": 1}
    params["on_disk_payload"] = True
    names = ("vectors", "sparse_vectors", "shard_number", "sharding_method", "replication_factor")
    for name in (*names, "write_consistency_factor", "on_disk_payload", "payload", "id_tracker"):
        if name in given:
            params[name] = given[name]
    shown = {
        "params": params,
        "hnsw_config": HNSW_DEFAULTS | given.get("hnsw_config", {}),
        "optimizer_config": OPTIMIZER_DEFAULTS | given.get("optimizers_config", {}),
        "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0} | given.get("wal_config", {}),
        "quantization_config": given.get("quantization_config"),
    }
    for name in ("strict_mode_config", "metadata"):
        if name in given:
            shown[name] = given[name]
    return shown


def changed_config(config: models.CreateCollection, change: models.UpdateCollection) -> models.CreateCollection:
    """The configuration after a PATCH: each group given is merged key by key, as Qdrant does."""
    if change.vectors is not None or change.sparse_vectors is not None:
        raise not_implemented("changing the parameters of a vector of an existing collection")
    merged = config.model_dump(mode="json", exclude_none=True)
    diff = change.model_dump(mode="json", exclude_none=True)
    for unsupported in ("read_fan_out_factor", "read_fan_out_delay_ms"):
        if unsupported in diff.get("params", {}):
            raise not_implemented(unsupported)
    merged.update(diff.pop("params", {}))
    for name, value in diff.items():
        if name == "quantization_config":
            merged[name] = value
            if value == "Disabled":
                del merged[name]
        else:
            merged[name] = merged.get(name, {}) | value
    return models.CreateCollection.model_validate(merged)


def engine_index(field: models.PayloadFieldSchema) -> Any:
    """The engine's form of a payload index: a bare type, or its parameters."""
    if isinstance(field, models.PayloadSchemaType):
        return getattr(edge.PayloadSchemaType, field.value.capitalize())
    given = field.model_dump(mode="json", exclude_none=True)
    kind = given.pop("type")
    given.pop("memory", None)
    for unsupported in ("nested", "scoring"):
        if given.pop(unsupported, None) is not None:
            raise not_implemented(f"'{unsupported}' of a payload index")
    if kind == "text":
        given = _text_index(given)
    with engine_errors():
        return getattr(edge, f"{kind.capitalize()}IndexParams")(**given)


def _text_index(given: dict[str, Any]) -> dict[str, Any]:
    if "tokenizer" in given:
        given["tokenizer"] = getattr(edge.TokenizerType, given["tokenizer"].capitalize())
    if "stemmer" in given:
        stemmer = given["stemmer"]
        if stemmer["type"] == "snowball":
            given["stemmer"] = edge.SnowballParams(getattr(edge.SnowballLanguage, stemmer["language"].capitalize()))
        else:
            given["stemmer"] = edge.DisabledStemmer()
    if "stopwords" in given:
        words = given["stopwords"]
        if isinstance(words, str):
            given["stopwords"] = getattr(edge.Language, words.capitalize())
        else:
            given["stopwords"] = edge.StopwordsSet(
                languages={getattr(edge.Language, one.capitalize()) for one in words.get("languages", [])},
                custom=set(words.get("custom", [])),
            )
    return given
