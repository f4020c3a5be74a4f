"""What product lists can be narrowed down by."""

from typing import Any

import django_filters
from django.db.models import QuerySet

from catalog.models import Category, Product, Promotion


class ProductFilters(django_filters.FilterSet):
    sku = django_filters.CharFilter(max_length=64, label="Exactly this SKU")
    category = django_filters.CharFilter(method="in_category", max_length=160, label="Slug; all below it counts")
    brand = django_filters.CharFilter(field_name="brand__slug", max_length=180, label="Slug")
    store = django_filters.CharFilter(field_name="store__slug", max_length=180, label="Slug")
    tag = django_filters.CharFilter(field_name="tags__slug", max_length=180, label="Slug")
    family = django_filters.CharFilter(max_length=120)
    status = django_filters.ChoiceFilter(choices=Product.Status.choices, label="Others than published take a key")
    price_min = django_filters.NumberFilter("price", "gte", max_digits=12, decimal_places=2, min_value=0)
    price_max = django_filters.NumberFilter("price", "lte", max_digits=12, decimal_places=2, min_value=0)
    in_stock = django_filters.BooleanFilter(method="is_in_stock")
    updated_since = django_filters.IsoDateTimeFilter("updated_at", "gte")
    ordering = django_filters.OrderingFilter(
        fields=["sku", "title", "price", "stock", "released", "created_at", "updated_at"], label="Sort by"
    )

    class Meta:
        model = Product
        fields: list[str] = []

    def in_category(self, queryset: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        category = Category.objects.filter(slug=value).first()
        return queryset.filter(category__path__startswith=category.path) if category else queryset.none()

    def is_in_stock(self, queryset: QuerySet[Product], name: str, value: bool) -> QuerySet[Product]:
        return queryset.filter(stock__gt=0) if value else queryset.filter(stock=0)

    def filter_queryset(self, queryset: QuerySet[Product]) -> QuerySet[Product]:
        found: QuerySet[Product] = super().filter_queryset(queryset)
        # Pages need an order without ties, or a product shows twice and another never.
        return found.order_by(*found.query.order_by, "-id")


class PromotionFilters(django_filters.FilterSet):
    kind = django_filters.ChoiceFilter(choices=Promotion.Kind.choices)

    class Meta:
        model = Promotion
        fields: list[str] = []


class NameFilters(django_filters.FilterSet):
    """For brands and stores."""

    name = django_filters.CharFilter(lookup_expr="icontains", max_length=160)


class CategoryFilters(django_filters.FilterSet):
    name = django_filters.CharFilter(lookup_expr="icontains", max_length=120)
    parent = django_filters.CharFilter(method="below", max_length=160, label="Slug; its children")
    top = django_filters.BooleanFilter(method="is_top", label="Only the departments, or all but them")

    class Meta:
        model = Category
        fields: list[str] = []

    def below(self, queryset: QuerySet[Category], name: str, value: str) -> Any:
        parent = Category.objects.filter(slug=value).first()
        return queryset.filter(path__startswith=parent.path, depth=parent.depth + 1) if parent else queryset.none()

    def is_top(self, queryset: QuerySet[Category], name: str, value: bool) -> QuerySet[Category]:
        return queryset.filter(depth=1) if value else queryset.filter(depth__gt=1)
