"""What search engines and link previews read of a product: schema.org as JSON-LD."""

import json
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

from catalog.models import Category, Variant
from search.shop.cards import Card

# A script element ends at the first "</script", whatever the JSON says (the same set as Django's json_script).
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


def product_data(request: HttpRequest, card: Card, line: list[Category], variant: Variant | None) -> SafeString:
    """Product, its offer and its breadcrumb (schema.org), safe inside a script element."""
    product = card.product
    url = request.build_absolute_uri(product.get_absolute_url())
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.title,
        "sku": variant.sku if variant else product.sku,
        "description": product.description,
        "url": url,
        "image": [request.build_absolute_uri(picture.file.url) for picture in product.pictures.all()],
    }
    if product.brand:
        data["brand"] = {"@type": "Brand", "name": product.brand.name}
    if product.mpn:
        data["mpn"] = product.mpn
    price = variant.price if variant and variant.price is not None else card.price
    stock = variant.stock if variant else product.stock
    if price is not None:
        data["offers"] = {
            "@type": "Offer",
            "url": url,
            "price": str(price),
            "priceCurrency": product.currency,
            "availability": f"https://schema.org/{'InStock' if stock else 'OutOfStock'}",
        }
    crumbs = {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {
                "@type": "ListItem",
                "position": position,
                "name": category.name,
                "item": request.build_absolute_uri(category.get_absolute_url()),
            }
            for position, category in enumerate(line, 1)
        ],
    }
    return _script_safe([data, crumbs] if line else data)


def _script_safe(data: object) -> SafeString:
    return mark_safe(json.dumps(data, ensure_ascii=False).translate(_ESCAPES))  # noqa: S308 - escaped just here
