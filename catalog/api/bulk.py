"""Thousands of products in one request, in the import format: a bad row is rejected and spares the others."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import CatalogueView
from catalog.api.parsing import LinesParser, RowsParser
from catalog.api.permissions import api_key
from catalog.importing.importer import upsert_rows
from catalog.importing.options import ImportOptions
from catalog.importing.report import Outcome, RowResult
from catalog.models import Scope

MAX_ROWS = 10_000


class BulkResult(serializers.Serializer):
    index = serializers.IntegerField(help_text="Of the row, from 0")
    sku = serializers.CharField()
    status = serializers.ChoiceField(choices=[outcome.value for outcome in Outcome])
    reason = serializers.CharField(help_text="Why it was rejected")
    warnings = serializers.ListField(child=serializers.CharField())


class BulkAnswer(serializers.Serializer):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()
    results = BulkResult(many=True)


ROW = {"type": "object", "additionalProperties": True, "description": "A row in the import format", "required": ["sku"]}


class ProductsBulk(CatalogueView):
    """Takes up to 10,000 rows, as a JSON list, as {"rows": […]}, or as NDJSON."""

    scopes = {"POST": Scope.CATALOG_WRITE}
    parser_classes = [RowsParser, LinesParser]

    @extend_schema(
        operation_id="products_bulk",
        request={
            "application/json": {
                "oneOf": [
                    {"type": "array", "items": ROW, "maxItems": MAX_ROWS},
                    {"type": "object", "properties": {"rows": {"type": "array", "items": ROW}}, "required": ["rows"]},
                ]
            },
            "application/x-ndjson": {"type": "string"},
        },
        responses=BulkAnswer,
    )
    def post(self, request: Request) -> Response:
        """Creates or changes products by their SKU and answers what became of each row, in order.

        The answer is 200 even if every row was rejected: `rejected` and `results` say so. A field that a row lacks is
        left alone, and one that is empty is cleared. Categories, brands, stores and tags go by name and are made where
        they are new. With the key of one store, rows of other stores are rejected.
        """
        rows = request.data
        if not isinstance(rows, list):  # a form, say
            raise ValidationError("Send a list of rows.")
        if len(rows) > MAX_ROWS:
            raise ValidationError(f"{len(rows):,} rows are too many; at most {MAX_ROWS:,} go into one request.")
        key = api_key(request)
        options = ImportOptions(only_store=key.store.name if key and key.store else "")
        results = upsert_rows(rows, options=options, reason=f"API key {key.name}" if key else "API")
        counts = {outcome.value: 0 for outcome in Outcome}
        for result in results:
            counts[result.outcome.value] += 1
        return Response({**counts, "results": [_shown(result, rows) for result in results]})


def _shown(result: RowResult, rows: list[Any]) -> dict[str, Any]:
    row = rows[result.line - 1]
    broken = isinstance(row, ParseError) and isinstance(row.detail, ErrorDetail)
    return {
        "index": result.line - 1,
        "sku": result.sku,
        "status": result.outcome.value,
        "reason": str(row.detail) if broken else result.reason,
        "warnings": result.warnings,
    }
