"""What may lie beside a catalogue's products: promotions.jsonl, collections.jsonl, brands.jsonl and stores.jsonl.

A promotion: name, kind, value, starts_at, ends_at, description, buy_quantity, free_quantity, and its scope as lists:
products (skus), categories (full names, "A > B"), brands (names). A collection: title, description, skus in order.
A brand or store: name, description. A line replaces the one of the same name or title; a bad line is reported and the
rest goes in.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.utils.dateparse import parse_datetime

from catalog import services
from catalog.models import Brand, Category, Collection, Product, Promotion, Store

M = TypeVar("M", bound=Model)


class LineError(Exception):
    """A line cannot be taken, for the reason it says."""


@dataclass
class CompanionsReport:
    brands: int = 0
    stores: int = 0
    promotions: int = 0
    collections: int = 0
    rejected: list[tuple[str, int, str]] = field(default_factory=list)  # file, line, reason


def import_companions(directory: Path) -> CompanionsReport:
    """Load the files that exist. Products must have been imported before."""
    report = CompanionsReport()
    for name, take in TAKERS.items():
        file = directory / f"{name}.jsonl"
        for number, line in _lines(file):
            try:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise LineError("A line is one JSON object.")
                with transaction.atomic():
                    take(row)
            except (LineError, ValueError, ValidationError) as error:
                reason = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
                report.rejected.append((file.name, number, reason))
            else:
                setattr(report, name, getattr(report, name) + 1)
    return report


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    if file.exists():
        with file.open(encoding="utf-8") as lines:
            yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def _take_promotion(row: dict[str, Any]) -> None:
    name = _text(row, "name")
    promotion = Promotion.objects.filter(name=name).first() or Promotion(name=name)
    promotion.description = _text(row, "description", required=False)
    promotion.kind = _text(row, "kind")
    promotion.value = row.get("value") or 0
    promotion.buy_quantity = row.get("buy_quantity") or 0
    promotion.free_quantity = row.get("free_quantity") or 0
    starts_at = _moment(row, "starts_at")
    if starts_at is None:
        raise LineError("starts_at is missing.")
    promotion.starts_at, promotion.ends_at = starts_at, _moment(row, "ends_at")
    promotion.clean_fields(exclude=["slug"])
    promotion.validate_constraints(exclude=["slug"])
    services.save_named(promotion)
    promotion.products.set(_known(Product, "sku", row.get("products")))
    promotion.categories.set(_known(Category, "full_name", row.get("categories")))
    promotion.brands.set(_known(Brand, "name", row.get("brands")))


def _take_collection(row: dict[str, Any]) -> None:
    title = _text(row, "title")
    collection = Collection.objects.filter(title=title).first() or Collection(title=title)
    collection.description = _text(row, "description", required=False)
    collection.clean_fields(exclude=["slug"])
    products = _known(Product, "sku", row.get("skus"))
    services.save_named(collection)
    services.set_collection(collection, products)


def _take_brand(row: dict[str, Any]) -> None:
    _take_label(Brand, row)


def _take_store(row: dict[str, Any]) -> None:
    _take_label(Store, row)


def _take_label(model: type[Brand | Store], row: dict[str, Any]) -> None:
    name = _text(row, "name")
    label = model.objects.filter(name=name).first() or model(name=name)
    label.description = _text(row, "description", required=False)
    label.clean_fields(exclude=["slug"])
    services.save_label(label)


TAKERS = {
    "brands": _take_brand,
    "stores": _take_store,
    "promotions": _take_promotion,
    "collections": _take_collection,
}


def _text(row: dict[str, Any], key: str, *, required: bool = True) -> str:
    value = row.get(key) or ""
    if not isinstance(value, str) or (required and not value.strip()):
        raise LineError(f"{key} is missing or not a text.")
    return value.strip()


def _moment(row: dict[str, Any], key: str) -> Any:
    value = row.get(key)
    if value is None:
        return None
    moment = parse_datetime(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        raise LineError(f"{key} is not a time with its zone, as in 2026-03-01T00:00:00Z.")
    return moment


def _known(model: type[M], key: str, values: Any) -> list[M]:
    """The rows that `values` name by `key`, in that order."""
    if not isinstance(values or [], list) or any(not isinstance(value, str) for value in values or []):
        raise LineError(f"{model._meta.verbose_name_plural} are named by a list of texts.")
    rows = {getattr(row, key): row for row in model._default_manager.filter(**{f"{key}__in": values or []})}
    unknown = [value for value in values or [] if value not in rows]
    if unknown:
        raise LineError(f"Unknown {model._meta.verbose_name_plural}: {', '.join(unknown[:5])}.")
    return [rows[value] for value in dict.fromkeys(values or [])]
