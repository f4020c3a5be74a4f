"""What the index still has to learn, and what it failed to."""

from django.contrib import admin, messages
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from catalog import services
from catalog.admin.filters import OutboxStateFilter
from catalog.admin.reading import ReadOnlyAdmin
from catalog.models import OutboxEntry, Product


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnlyAdmin):  # a lost entry is a point that stays wrong for ever, so nobody deletes any
    list_display = ["product", "state", "attempts", "error_shown", "created_at", "available_at"]
    list_display_links = None
    list_filter = [OutboxStateFilter]
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ["error"]
    search_help_text = "Words of the error"
    actions = ["retry"]
    # Databases disagree on where null comes; what waits comes behind what failed.
    ordering = [F("parked_at").desc(nulls_last=True), "available_at"]
    list_after_template = "catalog/admin/no_entries.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxEntry]:
        title = Product.objects.filter(pk=OuterRef("product_id")).values("title")[:1]
        return super().get_queryset(request).annotate(product_title=Subquery(title))

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("catalog.change_outboxentry")

    @display(description="Product")
    def product(self, entry: OutboxEntry) -> SafeString | str:
        title = entry.product_title  # type: ignore[attr-defined]
        if title is None:
            return f"deleted product {entry.product_id}"
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:catalog_product_change", args=[entry.product_id]), title[:80]
        )

    @display(description="State", label={"waiting": "info", "failed": "danger", "at work": "warning"})
    def state(self, entry: OutboxEntry) -> str:
        if entry.parked_at:
            return "failed"
        return "at work" if entry.claimed_by else "waiting"

    @display(description="Error")
    def error_shown(self, entry: OutboxEntry) -> str:
        return entry.error[:300] or "–"

    @action(description="Retry", permissions=["retry"], icon="refresh")
    def retry(self, request: HttpRequest, queryset: QuerySet[OutboxEntry]) -> None:
        count = services.retry_parked(OutboxEntry.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))))
        messages.success(request, f"{count:,} failed {'entry goes' if count == 1 else 'entries go'} to a worker again.")
