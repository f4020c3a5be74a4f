"""Promotions and collections."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from catalog import services
from catalog.admin.filters import PromotionStateFilter
from catalog.models import Collection, CollectionItem, Promotion


class OptionalSlugForm(forms.ModelForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "slug" in self.fields:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = "Part of the page's address. Made from the name where left empty."


class PromotionForm(OptionalSlugForm):
    class Meta:
        model = Promotion
        exclude: list[str] = []

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        kind, value = cleaned.get("kind"), cleaned.get("value")
        if kind in (Promotion.Kind.PERCENT, Promotion.Kind.AMOUNT) and value is not None:
            if value == 0:
                self.add_error("value", "Say by how much the price goes down.")
            elif kind == Promotion.Kind.PERCENT and value > 100:
                self.add_error("value", "At most 100 percent.")
        if kind == Promotion.Kind.BUY_X_GET_Y:
            for name in ("buy_quantity", "free_quantity"):
                if not cleaned.get(name):
                    self.add_error(name, "At least 1 for “buy X, get Y free”.")
        starts, ends = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", "It must end after it starts.")
        return cleaned


@admin.register(Promotion)
class PromotionAdmin(ModelAdmin):
    form = PromotionForm
    list_display = ["name", "state_shown", "discount", "starts_at", "ends_at", "scope_shown"]
    list_filter = [PromotionStateFilter, ("kind", ChoicesDropdownFilter)]
    list_filter_submit = True
    search_fields = ["name", "slug"]
    autocomplete_fields = ["products", "categories", "brands"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "description"]}),
        ("Discount", {"fields": ["kind", "value", ("buy_quantity", "free_quantity")]}),
        ("When", {"fields": ["active", "starts_at", "ends_at"]}),
        (
            "What it covers",
            {
                "fields": ["products", "categories", "brands"],
                "description": "Products, categories with all below them, and brands add up. Empty: every product.",
            },
        ),
    ]
    conditional_fields = {
        "value": "kind == 'percent' || kind == 'amount'",
        "buy_quantity": "kind == 'buy_x_get_y'",
        "free_quantity": "kind == 'buy_x_get_y'",
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Promotion]:
        counts = {f"{name}_total": Count(name, distinct=True) for name in ("products", "categories", "brands")}
        return super().get_queryset(request).annotate(**counts)

    @display(
        description="State",
        label={"running": "success", "upcoming": "info", "expired": "default", "off": "warning"},
    )
    def state_shown(self, promotion: Promotion) -> str:
        return promotion.state

    @display(description="Discount", ordering="value")
    def discount(self, promotion: Promotion) -> str:
        match promotion.kind:
            case Promotion.Kind.PERCENT:
                return f"−{promotion.value.normalize():f} %"
            case Promotion.Kind.AMOUNT:
                return f"−{promotion.value:,.2f}"
            case Promotion.Kind.BUY_X_GET_Y:
                return f"Buy {promotion.buy_quantity}, get {promotion.free_quantity} free"
        return "Free shipping"

    @display(description="Covers")
    def scope_shown(self, promotion: Promotion) -> str:
        names = (("products", "product"), ("categories", "category"), ("brands", "brand"))
        counts = [(getattr(promotion, f"{many}_total"), one, many) for many, one in names]
        return ", ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n) or "every product"

    def save_model(self, request: HttpRequest, obj: Promotion, form: Any, change: bool) -> None:
        services.save_named(obj)


class CollectionItemInline(TabularInline):
    model = CollectionItem
    autocomplete_fields = ["product"]
    fields = ["product", "position"]
    ordering_field = "position"
    hide_ordering_field = True
    extra = 0


class CollectionForm(OptionalSlugForm):
    class Meta:
        model = Collection
        fields = ["title", "slug", "description"]


@admin.register(Collection)
class CollectionAdmin(ModelAdmin):
    form = CollectionForm
    inlines = [CollectionItemInline]
    list_display = ["title", "size", "slug"]
    search_fields = ["title", "slug"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Collection]:
        return super().get_queryset(request).annotate(item_total=Count("items"))

    @display(description="Products", ordering="item_total")
    def size(self, collection: Collection) -> int:
        return collection.item_total  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: Collection, form: Any, change: bool) -> None:
        services.save_named(obj)
