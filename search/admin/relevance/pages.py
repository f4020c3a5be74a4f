"""What the workbench's pages share: products as cards, and what every page of the admin needs."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from catalog.models import Product

MOST_ATTRIBUTES = 6


def page(model_admin: Any, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    """A page of the admin in the frame of the others."""
    return TemplateResponse(
        request,
        f"search/admin/relevance/{template}",
        {
            **model_admin.admin_site.each_context(request),
            "opts": model_admin.model._meta,
            "title": title,
            **context,
        },
    )


def cards(skus: Iterable[str]) -> dict[str, Product]:
    """Products by sku with what a card shows; a sku that the catalogue no longer has is missing."""
    rows = Product.objects.filter(sku__in=list(skus)).select_related("brand", "category").prefetch_related("pictures")
    return {product.sku: product for product in rows}


def facts(product: Product) -> list[str]:
    """What a judge has to know besides the title, in few words."""
    told = [str(each) for each in (product.brand, product.category) if each]
    if product.price is not None:
        told.append(f"{product.price} {product.currency}")
    for name, value in list(product.attributes.items())[:MOST_ATTRIBUTES]:
        told.append(
            f"{name.replace('_', ' ').strip()}: {', '.join(map(str, value)) if isinstance(value, list) else value}"[:60]
        )
    return told
