"""Promotions and collections. The index is not told: both are resolved when a query is made."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Max

from catalog.models import Collection, CollectionItem, Product, Promotion
from catalog.services.changes import Products, ids_of
from catalog.text import unique_slug


def save_named(row: Promotion | Collection) -> None:
    """Save a promotion or a collection, with a slug of its own where none was given. A later name leaves the slug."""
    with transaction.atomic():
        if not row.slug:
            name = row.name if isinstance(row, Promotion) else row.title
            row.slug = unique_slug(type(row), name, exclude_pk=row.pk)
        row.save()


def add_to_collection(collection: Collection, products: Products) -> int:
    """Append the products that are not in the collection yet, in the order of their ids. Returns how many were new."""
    with transaction.atomic():
        Collection.objects.select_for_update().get(pk=collection.pk)
        present = set(collection.items.values_list("product_id", flat=True))
        wanted = Product.objects.filter(pk__in=ids_of(products)).order_by("pk").values_list("pk", flat=True)
        new = [pk for pk in wanted if pk not in present]
        last = collection.items.aggregate(last=Max("position"))["last"]
        start = 0 if last is None else last + 1
        CollectionItem.objects.bulk_create(
            CollectionItem(collection=collection, product_id=pk, position=start + offset)
            for offset, pk in enumerate(new)
        )
    return len(new)


def set_collection(collection: Collection, products: Sequence[Product]) -> None:
    """Make the collection hold exactly these products, in this order."""
    with transaction.atomic():
        Collection.objects.select_for_update().get(pk=collection.pk)
        collection.items.all().delete()
        CollectionItem.objects.bulk_create(
            CollectionItem(collection=collection, product=product, position=position)
            for position, product in enumerate(products)
        )
