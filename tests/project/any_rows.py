"""A valid row of any model, made from what its fields say, so that a model that is added is tried as well."""

import itertools
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone

from catalog.models import Category, Product
from catalog.models.rows import ShopScoped

AT = datetime(2026, 3, 1, tzinfo=UTC)
KEY = uuid.UUID("6b1f7d50-5a0e-4a52-b55f-6f1d3c1a9e10")
VALUES: dict[type[models.Field], Any] = {
    models.CharField: "a",
    models.TextField: "a",
    models.SlugField: "a",
    models.UUIDField: KEY,
    models.DateTimeField: AT,
    models.DateField: AT.date(),
    models.DecimalField: Decimal(1),
    models.FloatField: 0.5,
    models.BinaryField: b"a",
    models.JSONField: {},
    models.FileField: "pictures/a.png",
    models.BooleanField: False,
    models.IntegerField: 1,
}
# What the constraints of a model ask for beyond its fields.
MORE: dict[str, dict[str, Any]] = {
    "catalog.promotion": {"ends_at": None, "kind": "percent"},
    "catalog.category": {"depth": 1, "path": "0001", "numchild": 0},
    "recommend.event": {"consent": True},
    "recommend.shopper": {"merged_into": None, "user": None},
    "recommend.campaign": {"budget": Decimal(10), "ends_at": None, "spending_day": None},
    "search.loggedsearch": {"consent": True},
    "search.rule": {"match": "contains", "ends_at": None},
    "search.ruleaction": {"kind": "hide"},
    "search.synonym": {"kind": "two_way", "also": "", "ends_at": None},
    "search.synonymsuggestion": {"second": "b"},
}
_numbers = itertools.count(1)


def make(model: type[models.Model], **given: Any) -> Any:
    """A row of the current shop with rows for its foreign keys, the same values in every shop."""
    row = model(**_values(model, given))
    row.save()
    return row


def _values(model: type[models.Model], given: dict[str, Any]) -> dict[str, Any]:
    values = {**MORE.get(model._meta.label_lower, {}), **given}
    history = hasattr(model, "history_object")
    for field in model._meta.concrete_fields:
        if field.name in values or field.name == "shop" or isinstance(field, models.AutoField):
            continue
        if isinstance(field, models.ForeignKey):
            target: Any = field.related_model
            if issubclass(target, ShopScoped) and not history and target is not model:
                values[field.name] = _target(target)
        elif field.name.startswith("history_"):
            values |= {"history_date": timezone.now(), "history_type": "+"}
        elif field.choices:
            values[field.name] = next(iter(field.flatchoices))[0]
        else:
            values[field.name] = next(VALUES[kind] for kind in type(field).__mro__ if kind in VALUES)
    return values


def _target(model: type[models.Model]) -> Any:
    """Another row each time: a pair wants two products, and what is one-to-one wants its own."""
    number = next(_numbers)
    unique = {"sku": f"s-{number}", "slug": f"s-{number}"} if model is Product else {}
    if model is Category:
        unique = {"slug": f"s-{number}", "full_name": f"s-{number}", "path": f"{number:04}"}
    fields = {field.name for field in model._meta.concrete_fields}
    for name in {"name", "slug", "key"} & fields - unique.keys():
        unique[name] = uuid.uuid4() if name == "key" else f"n-{number}"
    return make(model, **unique)
