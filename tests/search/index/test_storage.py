"""How collections are kept, and how many copies a read asks, comes from the settings."""

import pytest
from qdrant_client import models

from recommend.training import behaviour
from search.index.client import get_client, nearest_points
from search.index.errors import VectorStoreError
from search.index.schema import create_collection, current_shape

pytestmark = pytest.mark.django_db

OPTIONS = {
    "shard_number": 1,
    "replication_factor": 1,
    "write_consistency_factor": 1,
    "on_disk": True,
    "hnsw_m": 24,
    "hnsw_ef_construct": 150,
    "hnsw_on_disk": True,
    "quantization": "scalar",
}


@pytest.mark.slow
def test_products_and_behaviour_are_kept_as_the_settings_say(settings, quick_encoders, vector_store):
    settings.QDRANT_COLLECTION_OPTIONS = OPTIONS
    shape = current_shape()
    create_collection(shape)
    behaviour.create(7, 4)
    for name in (shape.name, behaviour.collection_of(7)):
        config = get_client().get_collection(name).config
        assert config.params.on_disk_payload is True
        assert (config.hnsw_config.m, config.hnsw_config.ef_construct, config.hnsw_config.on_disk) == (24, 150, True)
        assert config.quantization_config.scalar.type == models.ScalarType.INT8
        vectors = config.params.vectors
        assert all(each.on_disk for each in (vectors.values() if isinstance(vectors, dict) else [vectors]))
    settings.QDRANT_COLLECTION_OPTIONS = {**OPTIONS, "quantization": "binary"}
    behaviour.create(8, 4)
    assert get_client().get_collection(behaviour.collection_of(8)).config.quantization_config.binary.always_ram
    settings.QDRANT_COLLECTION_OPTIONS = {**OPTIONS, "quantization": ""}
    behaviour.create(9, 4)
    assert get_client().get_collection(behaviour.collection_of(9)).config.quantization_config is None


@pytest.mark.slow
@pytest.mark.stand_in  # what is no consistency is refused, which shows that it arrives
def test_every_read_carries_the_consistency(settings, vector_store):
    behaviour.create(7, 4)
    name = behaviour.collection_of(7)

    def reads():
        return (
            lambda: nearest_points(name, [1.0, 0, 0, 0], limit=3),
            lambda: get_client().retrieve(name, [1]),
            lambda: get_client().scroll(name),
            lambda: get_client().count(name),
            lambda: get_client().facet(name, "brand"),
            lambda: get_client().query_batch_points(name, [models.QueryRequest(query=[1.0, 0, 0, 0])]),
        )

    settings.QDRANT_READ_CONSISTENCY = "majority"
    for read in reads():
        read()
    settings.QDRANT_READ_CONSISTENCY = "most"
    for read in reads():
        with pytest.raises(VectorStoreError, match="consistency"):
            read()
    get_client().upsert(name, [models.PointStruct(id=1, vector=[1.0, 0, 0, 0])], wait=True)
    settings.QDRANT_READ_CONSISTENCY = ""
