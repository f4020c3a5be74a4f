"""Products as CSV in the import format, safe to open in a spreadsheet."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from catalog.importing.report import guarded
from catalog.models import Product

COLUMNS = (
    "sku", "title", "description", "brand", "store", "category", "mpn", "ean", "family", "price", "compare_at_price",
    "currency", "stock", "status", "released", "tags", "attributes",
)  # fmt: skip


class Echo:
    """A file that hands every line straight back, so that a long export never lies in memory."""

    def write(self, line: str) -> str:
        return line


def csv_of(products: QuerySet[Product]) -> Iterator[str]:
    """Yield a CSV line by line, a header first. It begins with a byte order mark, which spreadsheets need for UTF-8."""
    writer = csv.writer(Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    rows = products.select_related("brand", "store", "category").prefetch_related("tags", "codes").order_by("pk")
    for product in rows.iterator(chunk_size=500):
        yield writer.writerow(["" if value is None else guarded(value) for value in _row(product)])


def _row(product: Product) -> tuple[Any, ...]:
    eans = [code.value for code in product.codes.all() if code.kind == "ean"]
    return (
        product.sku,
        product.title,
        product.description,
        product.brand and product.brand.name,
        product.store and product.store.name,
        product.category and product.category.full_name,
        product.mpn,
        "|".join(eans),
        product.family,
        product.price,
        product.compare_at_price,
        product.currency,
        product.stock,
        product.status,
        product.released,
        "|".join(tag.name for tag in product.tags.all()),
        json.dumps(product.attributes, ensure_ascii=False) if product.attributes else "",
    )
