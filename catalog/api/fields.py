"""Serializer parts: many references resolved at once, and no field that is silently ignored."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


class StrictSerializer(serializers.Serializer):
    """Refuses fields that it does not know or only shows."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            errors = {
                str(name)[:100]: ["This field is read-only." if name in self.fields else "Unknown field."]
                for name in data
                if name not in writable
            }
            if errors:
                raise serializers.ValidationError(errors)
        return super().to_internal_value(data)


@extend_schema_field({"type": "string"})
class SlugReference(serializers.SlugRelatedField):
    """A reference by slug. Other types than text are refused instead of being looked up as text."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("slug_field", "slug")
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or "\x00" in data:
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class References(serializers.Field):
    """A list of rows, each named by one field of theirs (slug, sku), found with one query."""

    default_error_messages = {
        "not_a_list": "Give a list of texts.",
        "too_many": "At most {limit} are allowed.",
        "unknown": "Not found: {names}.",
    }

    def __init__(self, *, queryset: QuerySet[Any], key: str = "slug", limit: int = 5000, **options: Any) -> None:
        self.queryset, self.key, self.limit = queryset, key, limit
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list) or not all(isinstance(entry, str) and "\x00" not in entry for entry in data):
            self.fail("not_a_list")
        if len(data) > self.limit:
            self.fail("too_many", limit=self.limit)
        names = list(dict.fromkeys(entry.encode("utf-8", "replace").decode("utf-8") for entry in data))
        found: dict[str, Any] = {}
        for start in range(0, len(names), 500):
            rows = self.queryset.all().filter(**{f"{self.key}__in": names[start : start + 500]})
            found |= {getattr(row, self.key): row for row in rows}
        if unknown := [name for name in names if name not in found]:
            self.fail("unknown", names=", ".join(name[:64] for name in unknown[:10]))
        return [found[name] for name in names]

    def to_representation(self, value: Any) -> list[str]:
        return [getattr(row, self.key) for row in value.all()]
