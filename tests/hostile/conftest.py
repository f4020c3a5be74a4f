"""A shop with products that are indexed."""

from tests.indexed import indexed_shop, shop

__all__ = ["indexed_shop", "shop"]
