"""The admin that merchandisers work in. Every save goes through `catalog.services`, which keeps the index in step."""

from django.contrib import admin

from catalog.admin import access, audit, categories, keys, labels, outbox, products, promotions, shops

# Named here and not by overriding "admin/index.html": the theme comes first among the installed apps.
admin.site.index_template = "catalog/admin/dashboard.html"

__all__ = ["access", "audit", "categories", "keys", "labels", "outbox", "products", "promotions", "shops"]
