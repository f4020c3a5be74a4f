"""Filters of the product list."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter, RangeNumericListFilter

from catalog import selectors
from catalog.models import Category, Picture, Product

Choices = Iterable[tuple[str, str]]


class CategoryFilter(DropdownFilter):
    """A category with everything below it."""

    title = "category"
    parameter_name = "in_category"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        rows = Category.objects.order_by("path").values_list("pk", "name", "depth")
        tree = [(str(pk), "\u2003" * (depth - 1) + name) for pk, name, depth in rows]
        return [*tree, ("none", "– without a category –")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        value = self.value()
        if not value:
            return queryset
        if value == "none":
            return queryset.filter(category=None)
        category = Category.objects.filter(pk=value).first() if value.isdecimal() and len(value) < 19 else None
        return queryset.filter(category__path__startswith=category.path) if category else queryset.none()


class ChoiceFilter(DropdownFilter):
    """A few named conditions."""

    conditions: dict[str, tuple[str, Any]] = {}  # value -> (label, condition)

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        return [(value, label) for value, (label, _) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.conditions.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


class StockFilter(ChoiceFilter):
    title = "stock"
    parameter_name = "stock_is"
    conditions = {
        "in": ("In stock", Q(stock__gt=0)),
        "low": ("Low (1 to 5)", Q(stock__gt=0, stock__lte=5)),
        "out": ("Sold out", Q(stock=0)),
    }


class PictureFilter(ChoiceFilter):
    title = "pictures"
    parameter_name = "pictured"
    conditions = {
        "yes": ("With pictures", Exists(Picture.objects.filter(product=OuterRef("pk")))),
        "no": ("Without a picture", ~Exists(Picture.objects.filter(product=OuterRef("pk")))),
    }


class PricedFilter(ChoiceFilter):
    title = "price set"
    parameter_name = "priced"
    conditions = {"yes": ("With a price", Q(price__isnull=False)), "no": ("Without a price", Q(price=None))}


class IndexStateFilter(DropdownFilter):
    title = "index state"
    parameter_name = "index_state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        return [(state, state.capitalize()) for state in ("fresh", "waiting", "failed", "not indexed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        value = self.value()
        if not value:
            return queryset
        return selectors.with_index_state(queryset).filter(index_state_name=value)  # type: ignore[misc]


class PriceFilter(RangeNumericListFilter):
    title = "price"
    parameter_name = "price"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> QuerySet[Product]:
        for end, lookup in (("price_from", "price__gte"), ("price_to", "price__lte")):
            text = self.used_parameters.get(end)
            if not text:
                continue
            try:
                bound = Decimal(str(text)).quantize(Decimal("0.01"))
            except InvalidOperation:  # no number, or one with more digits than any price has
                return queryset.none()
            if not bound.is_finite() or abs(bound) >= Decimal(10) ** 10:
                return queryset.none()
            queryset = queryset.filter(**{lookup: bound})
        return queryset


class PromotionStateFilter(DropdownFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        return [(state, state.capitalize()) for state in ("running", "upcoming", "expired", "off")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        match self.value():
            case "running":
                return queryset.filter(pk__in=selectors.promotions_at(now).values("pk"))
            case "upcoming":
                return queryset.filter(active=True, starts_at__gt=now)
            case "expired":
                return queryset.filter(active=True, ends_at__lte=now)
            case "off":
                return queryset.filter(active=False)
        return queryset


class OutboxStateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    conditions = {
        "waiting": ("Waiting", Q(parked_at=None)),
        "failed": ("Failed", Q(parked_at__isnull=False)),
    }
