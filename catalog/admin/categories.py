"""The category tree, shown whole and moved by dragging; the form moves by choosing a parent."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, JsonResponse
from django.http.request import RawPostDataException
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from treebeard.forms import TreeNodeChoiceField
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelect2Widget

from catalog import services
from catalog.models import Category


class CategoryForm(forms.ModelForm):
    parent = TreeNodeChoiceField(
        queryset=Category.objects.order_by("path"),
        required=False,
        empty_label="– at the top –",
        widget=UnfoldAdminSelect2Widget,
        help_text="Products and categories below move along.",
    )

    class Meta:
        model = Category
        fields = ["name", "slug", "translations"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "slug" not in self.fields:  # somebody who may only look
            return
        self.fields["slug"].required = False
        self.fields["slug"].help_text = "Part of the page's address. Made from the name where left empty."
        if self.instance.pk:
            self.initial["parent"] = Category.objects.get_parent(self.instance)
            parent: Any = self.fields["parent"]
            below = Category.objects.get_descendants(self.instance, include_self=True).values("pk")
            parent.queryset = Category.objects.exclude(pk__in=below).order_by("path")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.errors:
            candidate = Category(pk=self.instance.pk, name=self.cleaned_data["name"].strip())
            services.full_name_for(candidate, self.cleaned_data["parent"])
        return cleaned


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    form = CategoryForm
    list_display = ["tree_name", "product_count", "slug"]
    list_display_links = None
    search_fields = ["name", "full_name", "slug"]
    ordering = ["path"]
    list_per_page = 500
    list_fullwidth = True
    sortable_by: list[str] = []
    fields = ["name", "parent", "slug", "translations"]
    list_before_template = "catalog/admin/tree_help.html"

    class Media:
        js = ["catalog/tree.js"]

    def get_fields(self, request: HttpRequest, obj: Category | None = None) -> list[Any]:
        if obj is None or self.has_change_permission(request, obj):
            return self.fields
        return ["name", "full_name", "slug", "translations"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        return super().get_queryset(request).annotate(own_products=Count("products"))

    def get_urls(self) -> list[URLPattern]:
        move = path("move/", self.admin_site.admin_view(require_POST(self.move)), name="catalog_category_move")
        return [move, *super().get_urls()]

    @display(description="Category")
    def tree_name(self, category: Category) -> SafeString:
        return format_html(
            '<span class="catalog-node" data-node="{}" data-depth="{}" style="--depth: {}">'
            '<span class="catalog-grip material-symbols-outlined" aria-hidden="true">drag_indicator</span>'
            '<a href="{}">{}</a></span>',
            category.pk,
            category.depth,
            category.depth - 1,
            reverse("admin:catalog_category_change", args=[category.pk]),
            category.name,
        )

    @display(description="Products")
    def product_count(self, category: Category) -> SafeString | str:
        count: int = category.own_products
        if not count:
            return "–"
        address = f"{reverse('admin:catalog_product_changelist')}?in_category={category.pk}"
        return format_html('<a href="{}">{}</a>', address, f"{count:,}")

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        parent = form.cleaned_data["parent"]
        if not change:
            added = services.add_category(obj.name, parent, slug=obj.slug, translations=obj.translations)
            obj.__dict__.update(added.__dict__)
            return
        services.save_category(obj, parent=parent)

    def move(self, request: HttpRequest) -> JsonResponse:
        """Move a category that was dropped: {"node": id, "target": id, "position": "before", "after" or "inside"}."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        positions: dict[str, services.Position] = {"before": "left", "after": "right", "inside": "last-child"}
        try:
            wanted = json.loads(request.body)
            position = positions[wanted["position"]]
            rows = {row.pk: row for row in Category.objects.filter(pk__in=[int(wanted["node"]), int(wanted["target"])])}
            node, target = rows[int(wanted["node"])], rows[int(wanted["target"])]
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError, RawPostDataException):
            return JsonResponse({"error": "Send node, target and position of two categories that exist."}, status=400)
        try:
            services.move_category(node, target, position)
        except ValidationError as error:
            return JsonResponse({"error": " ".join(error.messages)}, status=400)
        self.log_change(request, node, f"Moved {wanted['position']} {target.full_name}.")
        messages.success(request, f"Moved {node.name}; it is {node.full_name} now.")
        return JsonResponse({"full_name": node.full_name})

    def delete_model(self, request: HttpRequest, obj: Category) -> None:
        services.delete_categories(Category.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Category]) -> None:
        services.delete_categories(Category.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))))
