"""Engine objects as the JSON of Qdrant's answers."""

from typing import Any

import qdrant_edge as edge
from qdrant_client import models


def payload_selector(given: models.WithPayloadInterface | None, default: bool) -> Any:
    """`with_payload` for the engine: all, none, some keys, or all but some."""
    match given:
        case None:
            return default
        case models.PayloadSelectorInclude():
            return edge.PayloadSelector.Include(given.include)
        case models.PayloadSelectorExclude():
            return edge.PayloadSelector.Exclude(given.exclude)
        case _:
            return given


def record(given: edge.Record) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": given.id, "payload": given.payload}
    if given.vector is not None:
        shown["vector"] = vectors(given.vector)
    if given.order_value is not None:
        shown["order_value"] = given.order_value
    return shown


def scored_point(given: edge.ScoredPoint, with_vector: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": given.id, "version": given.version, "score": given.score, "payload": given.payload}
    # The engine adds vectors unasked for where it needed them itself, as for MMR.
    if with_vector and given.vector is not None:
        shown["vector"] = vectors(given.vector)
    if given.order_value is not None:
        shown["order_value"] = given.order_value
    return shown


def vectors(given: Any) -> Any:
    if not isinstance(given, dict):
        return vector(given)
    return {name: vector(one) for name, one in given.items()}


def vector(given: Any) -> Any:
    if isinstance(given, edge.SparseVector):
        return {"indices": given.indices, "values": given.values}
    return given
