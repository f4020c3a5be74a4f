"""The shops of the installation, for superusers: whose hosts, open or closed, and who works in them."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from catalog.models import Shop, ShopHost
from catalog.tenancy import DEFAULT_SHOP


class _SuperusersAlone:
    """What concerns every shop is nobody's who works in one."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


class HostForm(forms.ModelForm):
    class Meta:
        model = ShopHost
        fields = ["host"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "host" in self.fields:
            self.fields["host"].to_python = _as_named  # type: ignore[method-assign]


def _as_named(value: Any) -> str:
    """What somebody pastes from the address bar, as a request names it."""
    host = str(value or "").strip().lower()
    return host.partition("://")[2].partition("/")[0] if "://" in host else host


class HostInline(_SuperusersAlone, TabularInline):
    model = ShopHost
    form = HostForm
    extra = 0

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


@admin.register(Shop)
class ShopAdmin(_SuperusersAlone, ModelAdmin):
    list_display = ["name", "slug", "host_names", "people", "active"]
    list_filter = ["active"]
    search_fields = ["name", "slug", "hosts__host"]
    fields = ["name", "slug", "active", "staff"]
    autocomplete_fields = ["staff"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [HostInline]
    list_before_template = "catalog/admin/shops.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shop]:
        return super().get_queryset(request).annotate(staff_total=Count("staff")).prefetch_related("hosts")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # its rows, files and points would stay behind; a shop is closed by switching it off

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), "several": settings.MULTI_SHOP})

    @display(description="Hosts")
    def host_names(self, shop: Shop) -> str:
        if not settings.MULTI_SHOP:
            return "every host, as MULTI_SHOP is off" if shop.pk == DEFAULT_SHOP else "none, as MULTI_SHOP is off"
        return ", ".join(host.host for host in shop.hosts.all()) or "none: nobody reaches it"

    @display(description="Staff", ordering="staff_total")
    def people(self, shop: Shop) -> int:
        return int(shop.staff_total)  # type: ignore[attr-defined]
