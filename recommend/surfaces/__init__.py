"""The surfaces by the names that addresses and templates use."""

from recommend.surfaces.base import ProductSurface, Recommendation
from recommend.surfaces.content import similar, visually_similar

# Those that start from one product.
FOR_PRODUCT: dict[str, ProductSurface] = {"similar": similar, "visually-similar": visually_similar}

__all__ = ["FOR_PRODUCT", "ProductSurface", "Recommendation", "similar", "visually_similar"]
