"""Qdrant's filter JSON, parsed by qdrant-client's own models, as engine filters."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import numpy as np
import qdrant_edge as edge
from qdrant_client import models

from vectord.errors import bad_request, engine_errors, not_implemented

MAX_UNSIGNED = 2**64 - 1


def point_id(given: int | str | UUID) -> int | str:
    """A point id as the engine takes and returns it: an unsigned 64-bit integer or a UUID in its usual spelling."""
    if isinstance(given, int):
        if not 0 <= given <= MAX_UNSIGNED:
            raise bad_request(f"{given} is not a valid point ID, valid values are unsigned integers and UUIDs")
        return given
    try:
        return str(given if isinstance(given, UUID) else UUID(given))
    except ValueError as error:
        raise bad_request(f"{given} is not a valid point ID, valid values are unsigned integers and UUIDs") from error


def iso_time(moment: datetime | date | str) -> str:
    """RFC 3339; a time without a zone is UTC, as in Qdrant."""
    if isinstance(moment, str):
        return moment
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def engine_filter(given: models.Filter | None) -> edge.Filter | None:
    if given is None:
        return None
    with engine_errors():
        return _filter(given)


def engine_condition(given: models.Condition) -> Any:
    """One condition of a filter, on its own: a formula uses it as a number."""
    with engine_errors():
        return _condition(given)


def excluding(given: edge.Filter | None, ids: set[int | str]) -> edge.Filter | None:
    """The same filter without these points: a point is no answer to a query by itself."""
    if not ids:
        return given
    with engine_errors():
        return edge.Filter(must=[given] if given is not None else None, must_not=[edge.HasIdCondition(set(ids))])


def _filter(given: models.Filter) -> edge.Filter:
    min_should = None
    if given.min_should is not None:
        conditions = [_condition(one) for one in given.min_should.conditions]
        if given.min_should.min_count < 0:
            raise bad_request("min_should.min_count: must not be negative")
        min_should = edge.MinShould(conditions, given.min_should.min_count)
    return edge.Filter(
        must=_conditions(given.must),
        should=_conditions(given.should),
        must_not=_conditions(given.must_not),
        min_should=min_should,
    )


def _conditions(given: Sequence[models.Condition] | models.Condition | None) -> list[Any] | None:
    if given is None:
        return None
    return [_condition(one) for one in (given if isinstance(given, list) else [given])]


def _condition(given: Any) -> Any:
    match given:
        case models.Filter():
            return _filter(given)
        case models.FieldCondition():
            return _field(given)
        case models.IsEmptyCondition():
            return edge.IsEmptyCondition(given.is_empty.key)
        case models.IsNullCondition():
            return edge.IsNullCondition(given.is_null.key)
        case models.HasIdCondition():
            return edge.HasIdCondition({point_id(one) for one in given.has_id})
        case models.HasVectorCondition():
            return edge.HasVectorCondition(given.has_vector)
        case models.NestedCondition():
            return edge.NestedCondition(given.nested.key, _filter(given.nested.filter))
        case _:
            raise not_implemented(f"the filter condition {type(given).__name__}")


def _field(given: models.FieldCondition) -> edge.FieldCondition:
    parts: dict[str, Any] = {}
    if given.match is not None:
        parts["match"] = _MATCHES[type(given.match)](given.match)
    if given.range is not None:
        parts["range"] = _range(given.range)
    if given.geo_bounding_box is not None:
        box = given.geo_bounding_box
        parts["geo_bounding_box"] = edge.GeoBoundingBox(_geo(box.top_left), _geo(box.bottom_right))
    if given.geo_radius is not None:
        parts["geo_radius"] = edge.GeoRadius(_geo(given.geo_radius.center), given.geo_radius.radius)
    if given.geo_polygon is not None:
        polygon = given.geo_polygon
        holes = [[_geo(point) for point in line.points] for line in polygon.interiors or []]
        parts["geo_polygon"] = edge.GeoPolygon([_geo(point) for point in polygon.exterior.points], holes)
    if given.values_count is not None:
        parts["values_count"] = edge.ValuesCount(**given.values_count.model_dump(exclude_none=True))
    for name in ("is_empty", "is_null"):
        if getattr(given, name) is not None:
            parts[name] = getattr(given, name)
    if not parts:
        raise bad_request(f"the condition on '{given.key}' names nothing to compare with")
    if len(parts) > 1:
        # Whether several mean "and" or "or" depends on indexes, in the engine as in the server.
        raise bad_request(f"the condition on '{given.key}' names {' and '.join(parts)}: give one condition for each")
    return edge.FieldCondition(given.key, **parts)


def _match_value(given: models.MatchValue) -> edge.MatchValue:
    # A plain Python bool is read as an integer by the engine and then matches nothing; numpy's is read as a boolean.
    value: Any = np.bool_(given.value) if isinstance(given.value, bool) else given.value
    return edge.MatchValue(value)


_MATCHES: dict[type, Callable[[Any], Any]] = {
    models.MatchValue: _match_value,
    models.MatchAny: lambda given: edge.MatchAny(given.any),
    models.MatchExcept: lambda given: edge.MatchExcept(given.except_),
    models.MatchText: lambda given: edge.MatchText(given.text),
    models.MatchTextAny: lambda given: edge.MatchTextAny(given.text_any),
    models.MatchPhrase: lambda given: edge.MatchPhrase(given.phrase),
    models.MatchPrefix: lambda given: edge.MatchPrefix(given.prefix),
    models.MatchSubstring: lambda given: edge.MatchSubstring(given.substring),
}


def _range(given: models.Range | models.DatetimeRange) -> Any:
    bounds = given.model_dump(exclude_none=True)
    if isinstance(given, models.Range):
        return edge.RangeFloat(**bounds)
    return edge.RangeDateTime(**{name: iso_time(bound) for name, bound in bounds.items()})


def _geo(given: models.GeoPoint) -> edge.GeoPoint:
    return edge.GeoPoint(given.lon, given.lat)
