"""What can be done to many products at once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from treebeard.forms import TreeNodeChoiceField
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelect2Widget

from catalog import services
from catalog.admin.export import csv_of
from catalog.models import Category, Collection, Product

Products = QuerySet[Product]


def count_of(number: int) -> str:
    return f"{number:,} product" if number == 1 else f"{number:,} products"


class CategoryChoice(forms.Form):
    choice = TreeNodeChoiceField(
        queryset=Category.objects.order_by("path"), label="Category", widget=UnfoldAdminSelect2Widget
    )


class CollectionChoice(forms.Form):
    choice = forms.ModelChoiceField(
        queryset=Collection.objects.all(), label="Collection", widget=UnfoldAdminSelect2Widget
    )


class ProductActions:
    """Mixed into the product admin. The checks of `permissions` hide an action and refuse a forged request alike."""

    actions = [
        "publish",
        "back_to_draft",
        "archive",
        "assign_category",
        "add_to_collection",
        "reembed",
        "export_as_csv",
    ]

    def has_collect_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("catalog.change_collection")

    @action(description="Publish", permissions=["change"], icon="visibility")
    def publish(self, request: HttpRequest, queryset: Products) -> None:
        done = services.publish(queryset, by=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Published {count_of(done)}; the shop shows them once they are indexed.")

    @action(description="Back to draft", permissions=["change"], icon="edit_off")
    def back_to_draft(self, request: HttpRequest, queryset: Products) -> None:
        done = services.unpublish(queryset, by=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Took {count_of(done)} back to draft.")

    @action(description="Archive", permissions=["change"], icon="inventory_2")
    def archive(self, request: HttpRequest, queryset: Products) -> None:
        done = services.archive(queryset, by=request.user)  # type: ignore[arg-type]
        messages.success(request, f"Archived {count_of(done)}; the shop hides them from now on.")

    @action(description="Re-embed", permissions=["change"], icon="refresh")
    def reembed(self, request: HttpRequest, queryset: Products) -> None:
        done = services.request_reembedding(queryset)
        messages.success(request, f"{count_of(done).capitalize()} wait for a worker to embed them again.")

    @action(description="Assign category…", permissions=["change"], icon="account_tree")
    def assign_category(self, request: HttpRequest, queryset: Products) -> HttpResponseBase | None:
        form = CategoryChoice(request.POST if "apply" in request.POST else None)
        if form.is_valid():
            category = form.cleaned_data["choice"]
            done = services.assign_category(queryset, category, by=request.user)  # type: ignore[arg-type]
            messages.success(request, f"Moved {count_of(done)} to {category}.")
            return None
        return self._ask(request, queryset, form, "assign_category", "Assign category")

    @action(description="Add to collection…", permissions=["collect"], icon="bookmark_add")
    def add_to_collection(self, request: HttpRequest, queryset: Products) -> HttpResponseBase | None:
        form = CollectionChoice(request.POST if "apply" in request.POST else None)
        if form.is_valid():
            collection = form.cleaned_data["choice"]
            done = services.add_to_collection(collection, queryset)
            messages.success(request, f"Added {count_of(done)} to {collection}.")
            return None
        return self._ask(request, queryset, form, "add_to_collection", "Add to collection")

    @action(description="Export as CSV", permissions=["view"], icon="download")
    def export_as_csv(self, request: HttpRequest, queryset: Products) -> HttpResponseBase:
        return StreamingHttpResponse(
            csv_of(queryset),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="products.csv"'},
        )

    def _ask(
        self, request: HttpRequest, queryset: Products, form: forms.Form, name: str, title: str
    ) -> TemplateResponse:
        """Show the page between choosing an action and running it."""
        site: Any = self.admin_site  # type: ignore[attr-defined]
        context = {
            **site.each_context(request),
            "opts": Product._meta,
            "title": title,
            "form": form,
            "media": self.media + form.media,  # type: ignore[attr-defined]
            "action": name,
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
            "count": count_of(queryset.count()),
            "first": queryset[:8],
        }
        return TemplateResponse(request, "catalog/admin/choose.html", context)
