"""Every write to the catalogue. Each one that changes what is embedded or filtered bumps the products' `version` and
adds an outbox entry in the same transaction, and wakes a worker after the commit. Callers validate what they pass;
the database's own constraints are the last line.
"""

from catalog.services.changes import mark_changed, request_reembedding, retry_parked
from catalog.services.merchandising import add_to_collection, save_named, set_collection
from catalog.services.products import (
    archive,
    assign_category,
    delete_picture,
    delete_products,
    delete_variant,
    parts_changed,
    publish,
    save_picture,
    save_product,
    save_variant,
    sync_codes,
    unpublish,
)
from catalog.services.taxonomy import (
    Position,
    add_category,
    delete_categories,
    delete_labels,
    full_name_for,
    lock_tree,
    move_category,
    save_category,
    save_label,
)

__all__ = [
    "Position",
    "add_category",
    "add_to_collection",
    "archive",
    "assign_category",
    "delete_categories",
    "delete_labels",
    "delete_picture",
    "delete_products",
    "delete_variant",
    "full_name_for",
    "lock_tree",
    "mark_changed",
    "move_category",
    "parts_changed",
    "publish",
    "request_reembedding",
    "retry_parked",
    "save_category",
    "save_label",
    "save_named",
    "save_picture",
    "save_product",
    "save_variant",
    "set_collection",
    "sync_codes",
    "unpublish",
]
