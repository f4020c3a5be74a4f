"""Promotions and collections of the demo shop: scopes by category, brand, or the products of named pictures."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from catalog.demo import assortment


def promotions(today: date, skus: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Rows of promotions.jsonl. `skus`: picture label -> its products. Windows are ISO date-times in UTC."""
    return [
        {
            "name": entry["name"],
            "description": entry["description"],
            "kind": entry["kind"],
            "value": entry.get("value", "0"),
            "buy_quantity": entry.get("buy_quantity", 0),
            "free_quantity": entry.get("free_quantity", 0),
            "starts_at": _midnight(today, entry["days"][0]),
            "ends_at": _midnight(today, entry["days"][1]),
            "categories": entry.get("categories", []),
            "brands": entry.get("brands", []),
            "products": [sku for label in entry.get("labels", []) for sku in skus[label]],
        }
        for entry in assortment.offers()["promotion"]
    ]


def collections(skus: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Rows of collections.jsonl: one colour of each product, in the order of the file."""
    return [
        {
            "title": entry["title"],
            "description": entry["description"],
            "skus": [skus[label][0] for label in entry["labels"]],
        }
        for entry in assortment.offers()["collection"]
    ]


def _midnight(today: date, days: int) -> str:
    return datetime.combine(today + timedelta(days=days), time(), tzinfo=UTC).isoformat()
