"""The product list and form."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextareaWidget

from catalog import selectors, services
from catalog.admin.actions import ProductActions
from catalog.admin.fields import AttributesField, EansField
from catalog.admin.filters import (
    CategoryFilter,
    IndexStateFilter,
    PictureFilter,
    PricedFilter,
    PriceFilter,
    StockFilter,
)
from catalog.admin.history import HistoryAdmin
from catalog.admin.importing import import_view
from catalog.admin.inlines import PictureInline, VariantInline
from catalog.models import OutboxEntry, Picture, Product, ProductCode, Variant
from catalog.pictures import add_picture
from catalog.text import normalise_code


class ProductForm(forms.ModelForm):
    attributes = AttributesField()
    eans = EansField(label="EANs")

    class Meta:
        model = Product
        exclude: list[str] = []
        widgets = {
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 6}),
            "translations": UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "stock" in self.fields:
            self.fields["stock"].show_hidden_initial = True  # see clean_stock
        if self.instance.pk and "eans" in self.fields:
            codes = self.instance.codes.filter(kind=ProductCode.Kind.EAN).order_by("value")
            self.initial["eans"] = "\n".join(code.value for code in codes)

    def clean_sku(self) -> str:
        sku: str = self.cleaned_data["sku"]
        if any(not character.isprintable() for character in sku):
            raise forms.ValidationError("A SKU holds no control characters.")
        return sku

    def clean_stock(self) -> int:
        """What is sold while a form is open is sold: a stock that nobody touched in it stays as it is by now."""
        untouched = self.instance.pk and "stock" not in self.changed_data
        stock: int = self.instance.stock if untouched else self.cleaned_data["stock"]
        return stock

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].upper()
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            raise forms.ValidationError("Three letters, as in EUR.")
        return currency


@admin.register(Product)
class ProductAdmin(ProductActions, HistoryAdmin, ModelAdmin):
    form = ProductForm
    inlines = [PictureInline, VariantInline]
    list_display = ["card", "price_shown", "stock_shown", "category", "status_shown", "index_shown", "updated"]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        IndexStateFilter,
        CategoryFilter,
        ("brand", AutocompleteSelectFilter),
        ("store", AutocompleteSelectFilter),
        StockFilter,
        PictureFilter,
        PricedFilter,
        PriceFilter,
    ]
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    list_select_related = ["brand", "category"]
    search_fields = ["title", "sku"]
    search_help_text = "Title, SKU, model number or EAN"
    ordering = ["-id"]
    autocomplete_fields = ["category", "brand", "store", "tags"]
    readonly_fields = ["index_shown", "published_at", "created_at", "updated_at", "version"]
    warn_unsaved_form = True
    compressed_fields = True
    history_list_per_page = 25
    list_after_template = "catalog/admin/no_products.html"
    change_form_before_template = "catalog/admin/index_state.html"
    actions_list = ["import_products"]
    fieldsets = [
        (None, {"fields": ["title", ("sku", "status"), "description", "category", ("brand", "store"), "tags"]}),
        ("Price and stock", {"fields": [("price", "compare_at_price", "currency"), ("stock", "released")]}),
        ("Attributes", {"fields": ["attributes"]}),
        ("Codes and family", {"fields": [("mpn", "family"), "eans"]}),
        ("Translations and address", {"classes": ["tab"], "fields": ["translations", "slug"]}),
        (
            "Index and dates",
            {"classes": ["tab"], "fields": ["index_shown", "version", "published_at", "created_at", "updated_at"]},
        ),
    ]

    # The list ---------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        error = OutboxEntry.objects.filter(product_id=OuterRef("pk")).values("error")[:1]
        return (
            selectors.with_index_state(super().get_queryset(request))
            .annotate(index_error=Subquery(error))
            .prefetch_related(Prefetch("pictures", Picture.objects.order_by("position", "id")))
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Product], search_term: str
    ) -> tuple[QuerySet[Product], bool]:
        """Title and SKU by words; codes as they are compared everywhere, without case and punctuation."""
        term = search_term.replace("\x00", "")[:200]
        found, duplicates = super().get_search_results(request, queryset, term)
        code = normalise_code(term)
        if code:
            named = ProductCode.objects.filter(normalised__startswith=code).values("product")
            found = found | queryset.filter(Q(pk__in=named))
        return found, duplicates

    @display(description="Product", ordering="title", header=True)
    def card(self, product: Product) -> list[Any]:
        picture = next(iter(product.pictures.all()), None)
        image = {"path": picture.thumbnail_url(), "squared": True, "width": 40, "height": 40} if picture else None
        detail = f"{product.sku} · {product.brand.name}" if product.brand else product.sku
        title = product.title if len(product.title) <= 80 else f"{product.title[:79]}…"
        return [title, detail, "–", image]

    @display(description="Price", ordering="price")
    def price_shown(self, product: Product) -> str | SafeString:
        if product.price is None:
            return "–"
        if not product.on_sale:
            return f"{product.price:,.2f} {product.currency}"
        return format_html(
            '{} {} <s class="catalog-was">{}</s>',
            f"{product.price:,.2f}",
            product.currency,
            f"{product.compare_at_price:,.2f}",
        )

    @display(description="Stock", ordering="stock")
    def stock_shown(self, product: Product) -> str | SafeString:
        return f"{product.stock:,}" if product.stock else format_html('<span class="catalog-out">{}</span>', "sold out")

    @display(
        description="Status",
        ordering="status",
        label={"Published": "success", "Draft": "info", "Archived": "default"},
    )
    def status_shown(self, product: Product) -> str:
        return product.get_status_display()

    @display(description="Index", ordering="index_state_name")
    def index_shown(self, product: Product) -> SafeString:
        name = getattr(product, "index_state_name", "not indexed")
        error = getattr(product, "index_error", None) or ""
        mark = format_html('<span class="catalog-index" data-state="{}" title="{}">{}</span>', name, error, name)
        if not error:
            return mark
        return format_html('{}<span class="catalog-why" title="{}">{}</span>', mark, error, error[:90])

    @display(description="Updated", ordering="updated_at")
    def updated(self, product: Product) -> SafeString:
        return format_html('<time title="{}">{}</time>', product.updated_at, naturaltime(product.updated_at))

    # The form ---------------------------------------------------------------------------------------------------

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Product | None:
        product: Product | None = super().get_object(request, object_id, from_field)
        if product is None or request.method != "POST":
            return product
        # Every column is written, so nobody else may write between this reading and that.
        return self.get_queryset(request).select_for_update(of=("self",)).filter(pk=product.pk).first()

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        if change:
            # A version taken back from the history is built anew, and still is a change of the row, if that is there.
            obj._state.adding = not Product.objects.filter(pk=obj.pk).exists()
        eans = form.cleaned_data.get("eans")
        codes = None if eans is None else {"ean": eans}
        services.save_product(obj, codes=codes, by=request.user)  # type: ignore[arg-type]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        services.parts_changed(form.instance)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        rows = formset.save(commit=False)
        for row in formset.deleted_objects:
            if isinstance(row, Variant):
                services.delete_variant(row)
            else:
                services.delete_picture(row)
        uploads = {id(entry.instance): entry for entry in formset.forms}
        for row in rows:
            if isinstance(row, Variant):
                services.save_variant(row)
            elif row.pk:
                services.save_picture(row)
            else:
                data = uploads[id(row)].data_of_upload
                name = uploads[id(row)].cleaned_data["upload"].name
                add_picture(form.instance, data, alt=row.alt, position=row.position, source=name)

    def delete_model(self, request: HttpRequest, obj: Product) -> None:
        services.delete_products([obj.pk], by=request.user)  # type: ignore[arg-type]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        services.delete_products(queryset, by=request.user)  # type: ignore[arg-type]

    @action(description="Import…", permissions=["add", "change"], url_path="import", icon="upload_file")
    def import_products(self, request: HttpRequest) -> Any:
        return import_view(self, request)
