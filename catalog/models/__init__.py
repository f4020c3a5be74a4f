"""What a shop sells. Reads go through `catalog.selectors`, writes through `catalog.services`."""

from catalog.models.audit import AuditEntry
from catalog.models.keys import ApiKey, Scope
from catalog.models.outbox import OutboxEntry
from catalog.models.product import Picture, Product, ProductCode, Variant
from catalog.models.promotion import Collection, CollectionItem, Promotion
from catalog.models.shop import Shop, ShopHost
from catalog.models.taxonomy import Brand, Category, Store, Tag

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Brand",
    "Category",
    "Collection",
    "CollectionItem",
    "OutboxEntry",
    "Picture",
    "Product",
    "ProductCode",
    "Promotion",
    "Scope",
    "Shop",
    "ShopHost",
    "Store",
    "Tag",
    "Variant",
]
