"""The log of events, to look at."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from catalog.admin.reading import ReadOnlyAdmin
from catalog.models import Product
from recommend.events.models import Event
from recommend.surfaces import SURFACES

PAGES = ("cart", "product", "search")  # surfaces that recommend nothing


class OfShoppers(ReadOnlyAdmin):
    """Rows that shoppers write. With their account they may be deleted, from a page of their own they may not."""

    list_fullwidth = True
    list_filter_submit = True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        page = request.resolver_match.url_name if request.resolver_match else None
        return not (page or "").startswith("recommend_")


class RecencyFilter(DropdownFilter):
    """By day ranges as well, but most look for what happened just now."""

    title = "last"
    parameter_name = "last"
    hours = {"1": "hour", "24": "day", "168": "week", "720": "30 days"}

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(hours, f"Last {name}") for hours, name in self.hours.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value not in self.hours:
            return queryset
        return queryset.filter(happened_at__gte=timezone.now() - timedelta(hours=int(value)))


class SurfaceFilter(DropdownFilter):
    """By the names that the shop's own pages send; to ask the log which there are would be to read all of it."""

    title = "surface"
    parameter_name = "surface"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name) for name in sorted({*SURFACES, *PAGES})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(surface=self.value()) if self.value() else queryset


@admin.register(Event)
class EventAdmin(OfShoppers):
    list_display = ["happened_at", "kind_shown", "product_shown", "shopper_shown", "surface", "position", "device"]
    list_display_links = ["happened_at"]
    list_filter = [
        ("kind", ChoicesDropdownFilter),
        SurfaceFilter,
        RecencyFilter,
        ("happened_at", RangeDateTimeFilter),
        "consent",
    ]
    list_select_related = ["product", "shopper__user"]
    ordering = ["-happened_at", "-pk"]
    list_per_page = 100
    search_fields = ["event_id"]
    search_help_text = "A product's SKU or the id of an event, each in full"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Only what an index finds: the log is too long to be read through."""
        term = search_term.strip()
        if not term:
            return queryset, False
        product = Product.objects.filter(sku=term).values_list("pk", flat=True).first()
        if product is not None:
            return queryset.filter(product=product), False
        try:
            return queryset.filter(event_id=uuid.UUID(term)), False
        except ValueError:
            return queryset.none(), False

    @display(
        description="Kind",
        label={
            "purchase": "success", "cart": "success", "like": "success", "hide": "warning", "not-for-me": "warning",
            "remove": "warning", "click": "info", "view": "info", "search": "default", "rating": "info",
        },
    )  # fmt: skip
    def kind_shown(self, event: Event) -> tuple[str, str]:
        return event.kind, event.kind

    @display(description="Product")
    def product_shown(self, event: Event) -> SafeString | str:
        if event.product is None:
            return f"deleted product {event.product_id}" if event.product_id else (event.query or "–")
        address = reverse("admin:catalog_product_change", args=[event.product_id])
        return format_html('<a href="{}">{}</a>', address, event.product.title[:80])

    @display(description="Shopper")
    def shopper_shown(self, event: Event) -> SafeString | str:
        if event.shopper is None:
            return "nobody known"
        address = reverse("admin:recommend_shopper_change", args=[event.shopper_id])
        return format_html('<a href="{}">{}</a>', address, str(event.shopper))
