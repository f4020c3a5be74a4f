"""Answers as JSON, straight from plain dicts: the search answers with hundreds of small objects each time."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

from catalog.models import Product


class OrjsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        try:
            return orjson.dumps(data, default=_other, option=orjson.OPT_NON_STR_KEYS)
        except TypeError:  # an error that quotes a lone surrogate, which UTF-8 cannot write: escaped, as it came
            return json.dumps(data, default=_other).encode("ascii")


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)  # lazy translations and error details


def card(product: Product) -> dict[str, Any]:
    """A product as a list shows it. Brand, store, category and pictures must be loaded; prices are strings."""
    picture = next(iter(product.pictures.all()), None)
    return {
        "sku": product.sku,
        "title": product.title,
        "slug": product.slug,
        "url": product.get_absolute_url(),
        "price": str(product.price) if product.price is not None else None,
        "compare_at_price": str(product.compare_at_price) if product.compare_at_price is not None else None,
        "currency": product.currency,
        "stock": product.stock,
        "brand": {"slug": product.brand.slug, "name": product.brand.name} if product.brand else None,
        "store": {"slug": product.store.slug, "name": product.store.name} if product.store else None,
        "category": (
            {"slug": product.category.slug, "name": product.category.name, "full_name": product.category.full_name}
            if product.category
            else None
        ),
        "image": (
            {"small": picture.thumbnail_url("small"), "medium": picture.thumbnail_url("medium"), "alt": picture.alt}
            if picture
            else None
        ),
    }
