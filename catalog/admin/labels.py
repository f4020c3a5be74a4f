"""Brands, stores and tags."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from catalog import services
from catalog.models import Brand, Store, Tag


class LabelAdmin(ModelAdmin):
    list_display = ["name", "product_count", "slug"]
    search_fields = ["name", "slug"]
    ordering = ["name"]  # of pages that are asked for while one types, too
    list_per_page = 100
    product_filter = ""  # the product list's parameter that shows the label's products

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(product_total=Count("products"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> type[ModelForm]:
        form = super().get_form(request, obj, change, **options)
        if "slug" in form.base_fields:  # not for those who may only look
            form.base_fields["slug"].required = False
            form.base_fields["slug"].help_text = "Part of the page's address. Made from the name where left empty."
        return form

    @display(description="Products", ordering="product_total")
    def product_count(self, label: Any) -> SafeString | str:
        if not label.product_total:
            return "–"
        address = f"{reverse('admin:catalog_product_changelist')}?{self.product_filter}={label.pk}"
        return format_html('<a href="{}">{}</a>', address, f"{label.product_total:,}")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        services.save_label(obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        services.delete_labels(type(obj).objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        services.delete_labels(queryset.model.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))))


@admin.register(Brand)
class BrandAdmin(LabelAdmin):
    fields = ["name", "slug", "description"]
    product_filter = "brand__id__exact"


@admin.register(Store)
class StoreAdmin(LabelAdmin):
    fields = ["name", "slug", "description"]
    product_filter = "store__id__exact"


@admin.register(Tag)
class TagAdmin(LabelAdmin):
    fields = ["name", "slug"]
    product_filter = "tags__id__exact"
