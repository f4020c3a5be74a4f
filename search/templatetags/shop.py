"""Tags and filters of the shop's templates."""

from decimal import Decimal
from typing import Any

from babel.core import Locale, UnknownLocaleError
from babel.numbers import format_currency
from django import template
from django.core.files.storage import default_storage
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, to_locale

from catalog.models import Picture, Product

register = template.Library()

# Colour names as catalogues write them; a facet's dot is drawn where the name is known.
_COLOURS = {
    "beige": "#e3d5b8", "black": "#1c1c1e", "blue": "#2f6fdb", "bronze": "#a9713d", "brown": "#7a4a2b",
    "burgundy": "#6e1a2d", "charcoal": "#3b3f45", "copper": "#b8693d", "cream": "#f5ecd2", "cyan": "#25b5c7",
    "gold": "#d4a830", "gray": "#8d9096", "green": "#2f9e57", "grey": "#8d9096", "indigo": "#4b3fb0",
    "khaki": "#b3a26b", "lavender": "#b9a5e3", "lime": "#9acb2d", "magenta": "#cf3a96", "maroon": "#6b1f2a",
    "mint": "#9fdcc0", "mustard": "#d3a023", "navy": "#1d2e5c", "navy blue": "#1d2e5c", "off white": "#f4f1e8",
    "olive": "#737a34", "orange": "#ee8122", "peach": "#f7b897", "pink": "#ee7fae", "purple": "#7b46b3",
    "red": "#d23b33", "rose": "#e58a9d", "rust": "#a8482a", "silver": "#c4c8cd", "steel": "#9aa4ae",
    "tan": "#cfa878", "taupe": "#8c7d70", "teal": "#1d8580", "turquoise": "#37bfb1", "violet": "#7e52c7",
    "white": "#ffffff", "yellow": "#f3c82f",
}  # fmt: skip


@register.filter
def money(amount: Decimal | float | None, currency: str) -> str:
    """An amount as its currency is written: 1299.5 and "EUR" are "€1,299.50"."""
    if amount is None:
        return ""
    try:
        locale = Locale.parse(to_locale(get_language() or "en"))
    except UnknownLocaleError:
        locale = Locale("en")
    return str(format_currency(amount, currency, locale=locale))


@register.simple_tag
def picture(picture: Picture, alt: str, sizes: str, *, large: bool = False, lazy: bool = True) -> SafeString:
    """An <img> with every thumbnail there is, or the original while the worker has not made them yet."""
    widths = {"small": 160, "medium": 480, **({"large": 1200} if large else {})}
    sources = {
        name: (default_storage.url(path), _width(picture, widths[name]))
        for name, path in picture.thumbnails.items()
        if name in widths
    }
    source = next((sources[name][0] for name in ("medium", "small", "large") if name in sources), picture.file.url)
    return format_html(
        '<img src="{}" srcset="{}" sizes="{}" width="{}" height="{}" alt="{}" loading="{}" decoding="async">',
        source,
        ", ".join(f"{url} {width}w" for url, width in sources.values()),
        sizes,
        picture.width or "",
        picture.height or "",
        alt,
        "lazy" if lazy else "eager",
    )


def _width(picture: Picture, side: int) -> int:
    """The width of a thumbnail whose longer side is `side`; a smaller picture is not enlarged."""
    longer = max(picture.width, picture.height, 1)
    return max(1, round(picture.width * min(1.0, side / longer)))


@register.filter
def is_photo(picture: Picture) -> bool:
    """A picture that brings its own ground fills the tile. Only PNG is usually cut out, and then shown whole."""
    return not str(picture.file.name).lower().endswith(".png")


@register.filter
def colour(name: Any) -> str:
    """The hex value of a colour's name, or nothing where it is not known."""
    return _COLOURS.get(str(name).strip().lower(), "")


@register.filter
def version_name(product: Product) -> str:
    """What tells a product from the others of its family: its colour or size, or its name where it has neither."""
    told = (product.attributes.get(name) for name in ("colour", "color", "size", "pattern", "material"))
    return next((str(value) for value in told if value), product.title)


@register.filter
def discount(promotion: Any) -> str:
    """What a promotion gives, in as few characters as a poster has room for."""
    kind = promotion.kind
    if kind == promotion.Kind.PERCENT:
        return f"−{promotion.value.normalize():f}%"
    if kind == promotion.Kind.BUY_X_GET_Y:
        return f"{promotion.buy_quantity + promotion.free_quantity} for {promotion.buy_quantity}"
    if kind == promotion.Kind.FREE_SHIPPING:
        return "Free shipping"
    return f"−{promotion.value.normalize():f}"
