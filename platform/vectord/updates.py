"""Writes of the REST description as engine operations, each with about how many points it touches."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qdrant_edge as edge
from qdrant_client import models

from vectord.errors import bad_request, engine_errors, not_implemented
from vectord.filters import engine_filter, point_id
from vectord.vectors import engine_point_vectors, engine_points

if TYPE_CHECKING:
    from vectord.collection import Collection

Operation = tuple[edge.UpdateOperation, int]
Op = edge.UpdateOperation

_MODES = {
    models.UpdateMode.UPSERT: edge.UpdateMode.Upsert,
    models.UpdateMode.INSERT_ONLY: edge.UpdateMode.InsertOnly,
    models.UpdateMode.UPDATE_ONLY: edge.UpdateMode.UpdateOnly,
}


def upsert(collection: "Collection", given: models.PointInsertOperations) -> list[Operation]:
    _check_shard_key(given)
    points = engine_points(collection.schema, given)
    condition = engine_filter(given.update_filter)
    mode = _MODES[given.update_mode] if given.update_mode else None
    if not points:
        raise bad_request("Empty update request")
    with engine_errors():
        return [(Op.upsert_points(points, condition, mode), len(points))]


def delete(collection: "Collection", given: models.PointsSelector) -> list[Operation]:
    return _for_selected(collection, given, Op.delete_points, Op.delete_points_by_filter)


def set_payload(collection: "Collection", given: models.SetPayload) -> list[Operation]:
    return _for_selected(
        collection, given, Op.set_payload, Op.set_payload_by_filter, payload=given.payload, key=given.key
    )


def overwrite_payload(collection: "Collection", given: models.SetPayload) -> list[Operation]:
    if given.key is not None:
        raise not_implemented("overwriting the payload under a key; set_payload does that")
    return _for_selected(collection, given, Op.overwrite_payload, Op.overwrite_payload_by_filter, payload=given.payload)


def delete_payload(collection: "Collection", given: models.DeletePayload) -> list[Operation]:
    return _for_selected(collection, given, Op.delete_payload, Op.delete_payload_by_filter, keys=given.keys)


def clear_payload(collection: "Collection", given: models.PointsSelector) -> list[Operation]:
    return _for_selected(collection, given, Op.clear_payload, Op.clear_payload_by_filter)


def update_vectors(collection: "Collection", given: models.UpdateVectors) -> list[Operation]:
    _check_shard_key(given)
    changed = engine_point_vectors(collection.schema, given.points)
    condition = engine_filter(given.update_filter)
    with engine_errors():
        return [(Op.update_vectors(changed, condition), len(changed))]


def delete_vectors(collection: "Collection", given: models.DeleteVectors) -> list[Operation]:
    for name in given.vector:
        collection.schema.require(name)
    return _for_selected(collection, given, Op.delete_vectors, Op.delete_vectors_by_filter, vector_names=given.vector)


def _for_selected(
    collection: "Collection", given: Any, by_ids: Callable[..., Any], by_filter: Callable[..., Any], **arguments: Any
) -> list[Operation]:
    """The same change for points named by id, by a filter, or by both (which the REST description lets add up)."""
    _check_shard_key(given)
    ids, only = getattr(given, "points", None), getattr(given, "filter", None)
    if ids is None and only is None:
        raise bad_request("name the points by ids or by a filter")
    operations: list[Operation] = []
    if ids is not None:
        points = [point_id(one) for one in ids]
        with engine_errors():
            operations.append((by_ids(points, **arguments), len(points)))
    if only is not None:
        selection = engine_filter(only)
        touched = collection.count(selection)
        with engine_errors():
            operations.append((by_filter(selection, **arguments), touched))
    return operations


def _check_shard_key(given: Any) -> None:
    if getattr(given, "shard_key", None) is not None:
        raise not_implemented("shard keys")


_STEPS: dict[type, Callable[["Collection", Any], list[Operation]]] = {
    models.UpsertOperation: lambda c, one: upsert(c, one.upsert),
    models.DeleteOperation: lambda c, one: delete(c, one.delete),
    models.SetPayloadOperation: lambda c, one: set_payload(c, one.set_payload),
    models.OverwritePayloadOperation: lambda c, one: overwrite_payload(c, one.overwrite_payload),
    models.DeletePayloadOperation: lambda c, one: delete_payload(c, one.delete_payload),
    models.ClearPayloadOperation: lambda c, one: clear_payload(c, one.clear_payload),
    models.UpdateVectorsOperation: lambda c, one: update_vectors(c, one.update_vectors),
    models.DeleteVectorsOperation: lambda c, one: delete_vectors(c, one.delete_vectors),
}


def batch(collection: "Collection", given: models.UpdateOperations) -> list[list[Operation]]:
    """All steps are translated, and so checked, before the first is carried out."""
    return [_STEPS[type(step)](collection, step) for step in given.operations]
