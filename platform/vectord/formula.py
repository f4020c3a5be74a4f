"""Score formulas (boosts and decays) from JSON to the engine's expression tree."""

from collections.abc import Callable
from typing import Any

import qdrant_edge as edge
from qdrant_client import models

from vectord.errors import bad_request, engine_errors
from vectord.filters import engine_condition, iso_time

E = edge.Expression


def engine_formula(given: models.FormulaQuery) -> edge.Formula:
    expression = _expression(given.formula)
    with engine_errors():
        return edge.Formula(expression, given.defaults or {})


def _expression(given: Any) -> Any:
    if isinstance(given, bool):
        raise bad_request("formula: a constant is a number")
    if isinstance(given, int | float):
        return E.Constant(float(given))
    if isinstance(given, str):
        with engine_errors():
            return E.Variable(given)
    make = _NODES.get(type(given))
    if make is None:
        return E.Condition(engine_condition(given))
    with engine_errors():
        return make(given)


def _all(given: list[Any]) -> list[Any]:
    return [_expression(one) for one in given]


def _decay(kind: Any, given: models.DecayParamsExpression) -> Any:
    target = None if given.target is None else _expression(given.target)
    return E.Decay(kind, _expression(given.x), target, given.midpoint, given.scale)


def _distance(given: models.GeoDistance) -> Any:
    origin = given.geo_distance.origin
    return E.GeoDistance(edge.GeoPoint(origin.lon, origin.lat), given.geo_distance.to)


_NODES: dict[type, Callable[[Any], Any]] = {
    models.MultExpression: lambda given: E.Mult(_all(given.mult)),
    models.SumExpression: lambda given: E.Sum(_all(given.sum)),
    models.MaxExpression: lambda given: E.Max(_all(given.max)),
    models.MinExpression: lambda given: E.Min(_all(given.min)),
    models.NegExpression: lambda given: E.Neg(_expression(given.neg)),
    models.AbsExpression: lambda given: E.Abs(_expression(given.abs)),
    models.SqrtExpression: lambda given: E.Sqrt(_expression(given.sqrt)),
    models.ExpExpression: lambda given: E.Exp(_expression(given.exp)),
    models.Log10Expression: lambda given: E.Log10(_expression(given.log10)),
    models.LnExpression: lambda given: E.Ln(_expression(given.ln)),
    models.AcoshExpression: lambda given: E.Acosh(_expression(given.acosh)),
    models.DivExpression: lambda given: E.Div(
        _expression(given.div.left), _expression(given.div.right), given.div.by_zero_default
    ),
    models.PowExpression: lambda given: E.Pow(_expression(given.pow.base), _expression(given.pow.exponent)),
    models.GeoDistance: _distance,
    models.DatetimeExpression: lambda given: E.Datetime(iso_time(given.datetime)),
    models.DatetimeKeyExpression: lambda given: E.DatetimeKey(given.datetime_key),
    models.LinDecayExpression: lambda given: _decay(edge.DecayKind.Lin, given.lin_decay),
    models.ExpDecayExpression: lambda given: _decay(edge.DecayKind.Exp, given.exp_decay),
    models.GaussDecayExpression: lambda given: _decay(edge.DecayKind.Gauss, given.gauss_decay),
}
