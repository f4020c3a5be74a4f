"""The first page of the admin: how the catalogue and its index stand, and what asks for attention."""

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest
from django.urls import reverse

from catalog import selectors
from catalog.models import OutboxEntry, Picture, Product

STATES = ("fresh", "waiting", "failed")


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the page shows to its context. A fixed number of queries; nothing for those who may not see products."""
    context["title"] = "Dashboard"
    if not request.user.has_perm("catalog.view_product"):
        return context
    products = reverse("admin:catalog_product_changelist")
    counts = Product.objects.aggregate(
        total=Count("pk"),
        **{status: Count("pk", filter=Q(status=status)) for status in Product.Status.values},
        without_price=Count("pk", filter=Q(status="published", price=None)),
        without_category=Count("pk", filter=Q(status="published", category=None)),
        sold_out=Count("pk", filter=Q(status="published", stock=0)),
    )
    pictured = Picture.objects.filter(product=OuterRef("pk"))
    without_picture = selectors.published_products().filter(~Exists(pictured)).count()
    context |= {
        "shown": True,
        "total": counts["total"],
        "statuses": [
            {"name": label, "count": counts[value], "href": f"{products}?status__exact={value}"}
            for value, label in Product.Status.choices
        ],
        "index": _index_bar(products, counts["published"]),
        "failures": _failures(),
        "todo": [
            {"label": label, "count": count, "href": f"{products}?status__exact=published&{query}"}
            for label, count, query in (
                ("without a picture", without_picture, "pictured=no"),
                ("without a price", counts["without_price"], "priced=no"),
                ("without a category", counts["without_category"], "in_category=none"),
                ("sold out", counts["sold_out"], "stock_is=out"),
            )
        ],
        "changes": _latest_changes(),
        "running": list(selectors.promotions_at().order_by("ends_at")[:6]),
    }
    return context


def _index_bar(products: str, published: int) -> list[dict[str, Any]]:
    entries = OutboxEntry.objects.aggregate(
        waiting=Count("pk", filter=Q(parked_at=None)), failed=Count("pk", filter=Q(parked_at__isnull=False))
    )
    marked = OutboxEntry.objects.filter(product_id=OuterRef("pk"))
    stale = selectors.published_products().filter(Exists(marked)).count()
    counts = {"fresh": published - stale, **entries}
    total = sum(counts.values()) or 1
    return [
        {
            "state": state,
            "count": counts[state],
            "percent": round(100 * counts[state] / total, 2),
            "href": f"{products}?index_state={state}",
        }
        for state in STATES
    ]


def _failures() -> list[dict[str, Any]]:
    entries = OutboxEntry.objects.filter(parked_at__isnull=False).order_by("-parked_at")[:5]
    titles = dict(Product.objects.filter(pk__in=[entry.product_id for entry in entries]).values_list("pk", "title"))
    return [
        {
            "title": titles.get(entry.product_id, f"deleted product {entry.product_id}"),
            "href": reverse("admin:catalog_product_change", args=[entry.product_id])
            if entry.product_id in titles
            else "",
            "error": entry.error,
        }
        for entry in entries
    ]


def _latest_changes() -> list[dict[str, Any]]:
    kinds = {"+": "added", "~": "changed", "-": "deleted"}
    records = Product.history.select_related("history_user").order_by("-history_date", "-history_id")[:8]
    return [
        {
            "title": record.title,
            "href": reverse("admin:catalog_product_change", args=[record.id]) if record.history_type != "-" else "",
            "what": record.history_change_reason or kinds[record.history_type],
            "who": record.history_user,
            "when": record.history_date,
        }
        for record in records
    ]
