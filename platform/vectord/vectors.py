"""Vectors and points from JSON to engine objects.

Everything about a batch is checked before the engine sees any of it: the engine writes a batch to its log first and
applies it point by point, so that a wrong dimension in the middle would leave one half of the batch behind.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import qdrant_edge as edge
from qdrant_client import models

from vectord.errors import bad_request, engine_errors, not_implemented
from vectord.filters import point_id
from vectord.schema import VectorSchema

FLOAT32_MAX = float(np.finfo(np.float32).max)
MAX_SPARSE_INDEX = 2**32 - 1


def engine_vector(schema: VectorSchema, name: str, given: Any) -> Any:
    """One vector under one name: a list of floats, a list of them for a multivector, or a sparse vector.

    Raises a 400 for a wrong shape, a wrong dimension and numbers that do not fit a 32-bit float.
    """
    schema.require(name)
    label = f"the vector '{name}'" if name else "the vector"
    if isinstance(given, models.Document | models.Image | models.InferenceObject):
        raise not_implemented("inference; send vectors instead of texts, images and objects")
    if name in schema.sparse:
        if not isinstance(given, models.SparseVector):
            raise bad_request(f"{label} is sparse: it takes indices and values")
        return _sparse(label, given)
    if isinstance(given, models.SparseVector):
        raise bad_request(f"{label} is dense, a sparse one was given")
    rows = given if given and isinstance(given[0], list) else [given]
    if rows is given and not schema.is_multivector(name):
        raise bad_request(f"{label} is a single vector, a list of vectors was given")
    size = schema.size(name)
    for row in rows:
        if len(row) != size:
            raise bad_request(f"Vector dimension error: expected dim: {size}, got {len(row)} for {label}")
        # One pass in C. NaN fails the comparison too; infinities come from numbers beyond 64-bit floats.
        if not np.abs(np.asarray(row)).max() <= FLOAT32_MAX:
            raise bad_request(f"{label} has a number that does not fit into a 32-bit float")
    return rows if schema.is_multivector(name) else given


def _sparse(label: str, given: models.SparseVector) -> edge.SparseVector:
    if len(given.indices) != len(given.values):
        raise bad_request(f"{label} has {len(given.indices)} indices and {len(given.values)} values")
    if len(set(given.indices)) != len(given.indices):
        raise bad_request(f"{label}: indices must be unique")
    if given.indices and not (min(given.indices) >= 0 and max(given.indices) <= MAX_SPARSE_INDEX):
        raise bad_request(f"{label}: indices are unsigned 32-bit integers")
    if given.values and not np.abs(np.asarray(given.values)).max() <= FLOAT32_MAX:
        raise bad_request(f"{label} has a number that does not fit into a 32-bit float")
    ordered = sorted(zip(given.indices, given.values, strict=True))
    with engine_errors():
        return edge.SparseVector([index for index, _ in ordered], [value for _, value in ordered])


def engine_vectors(schema: VectorSchema, given: Any) -> Any:
    """All vectors of one point: unnamed (a list) or by name (a mapping)."""
    if isinstance(given, dict):
        return {name: engine_vector(schema, name, vector) for name, vector in given.items()}
    return engine_vector(schema, "", given)


def engine_points(schema: VectorSchema, given: models.PointInsertOperations) -> list[edge.Point]:
    """The points of an upsert, in its list form or its column form."""
    structs = _rows(given.batch) if isinstance(given, models.PointsBatch) else given.points
    points = []
    for struct in structs:
        vectors = engine_vectors(schema, struct.vector)
        with engine_errors():
            points.append(edge.Point(point_id(struct.id), vectors, struct.payload))
    return points


def _rows(batch: models.Batch) -> Iterable[models.PointStruct]:
    count = len(batch.ids)
    by_name = batch.vectors if isinstance(batch.vectors, dict) else {"": batch.vectors}
    payloads: list[Any] = batch.payloads if batch.payloads is not None else [None] * count
    for label, column in (*by_name.items(), ("payloads", payloads)):
        if len(column) != count:
            raise bad_request(f"the batch has {count} ids and {len(column)} {label or 'vectors'}")
    for row, identity in enumerate(batch.ids):
        vectors = {name: column[row] for name, column in by_name.items()}
        struct = vectors.get("", vectors)
        yield models.PointStruct.model_construct(id=identity, vector=struct, payload=payloads[row])


def engine_point_vectors(schema: VectorSchema, given: list[models.PointVectors]) -> list[edge.PointVectors]:
    made = []
    for one in given:
        vectors = engine_vectors(schema, one.vector)
        with engine_errors():
            made.append(edge.PointVectors(point_id(one.id), vectors))
    return made
