"""Writes to products and to what hangs on them: codes, variants, pictures, status, category."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from catalog.models import Category, OutboxEntry, Picture, Product, ProductCode, Tag, Variant
from catalog.services.changes import Products, batches, ids_of, mark_changed, nudge_after_commit
from catalog.services.files import delete_files_after_commit
from catalog.text import normalise_code, unique_slug

Codes = Mapping[str, Iterable[str]]  # {"ean": ["4006381333931"]}


def save_product(
    product: Product,
    *,
    codes: Codes | None = None,
    tags: Iterable[Tag] | None = None,
    by: AbstractBaseUser | None = None,
    reason: str = "",
) -> Product:
    """Insert or update a product, with its codes and tags, and mark it as changed.

    A slug is made from the title where there is none, and never changed afterwards: addresses of pages outlive titles.
    `codes` ({"ean": […]}) replaces the EANs; None leaves them. `tags` replaces the tags; None leaves them.
    `by` and `reason` go into the history. Raises IntegrityError where a constraint of the database is broken.
    """
    if by is not None:
        product._history_user = by  # type: ignore[attr-defined]
    if reason:
        product._change_reason = reason[:100]  # type: ignore[attr-defined]
    with transaction.atomic():
        if not product.slug:
            product.slug = unique_slug(Product, product.title, key=product.sku, exclude_pk=product.pk)
        if product.status == Product.Status.PUBLISHED and product.published_at is None:
            product.published_at = timezone.now()
        if product._state.adding:
            product.save()
            OutboxEntry.add([product.pk])
            nudge_after_commit()
        else:
            # All columns but the version, which only ever counts up in the database: of two saves at once, both count.
            product.save(update_fields=[field.name for field in _saved_fields()])
            mark_changed([product.pk])
            product.refresh_from_db(fields=["version"])
        if tags is not None:
            product.tags.set(tags)
        sync_codes(product, codes)
    return product


def _saved_fields() -> list[Any]:
    return [field for field in Product._meta.concrete_fields if field.name not in ("id", "version", "created_at")]


def sync_codes(product: Product, codes: Codes | None = None) -> None:
    """Bring the product's `ProductCode` rows level with its sku, model number, variants' skus, and given `codes`.

    EANs live in these rows alone, so None keeps those that are there; the other kinds follow from the product.
    """
    wanted = {("sku", product.sku)} | {
        ("sku", sku) for sku in Variant.objects.filter(product=product).values_list("sku", flat=True)
    }
    if product.mpn:
        wanted.add(("mpn", product.mpn))
    if codes is not None:
        if unknown := codes.keys() - {"ean"}:
            raise ValueError(f"Codes are given for the kind ean alone, not for {', '.join(sorted(unknown))}.")
        wanted |= {("ean", value) for value in map(str.strip, codes.get("ean", ())) if value}

    present = {(code.kind, code.value): code for code in ProductCode.objects.filter(product=product)}
    stale = [code.pk for key, code in present.items() if key not in wanted and (key[0] != "ean" or codes is not None)]
    if stale:
        ProductCode.objects.filter(pk__in=stale).delete()
    ProductCode.objects.bulk_create(
        [
            ProductCode(product=product, kind=kind, value=value, normalised=normalise_code(value))
            for kind, value in sorted(wanted - present.keys())
        ],
        ignore_conflicts=True,
    )


def parts_changed(product: Product) -> None:
    """Bring codes and index level after variants, pictures, tags or codes of the product were written."""
    with transaction.atomic():
        sync_codes(product)
        mark_changed([product.pk])


def publish(products: Products, *, by: AbstractBaseUser | None = None, reason: str = "Published") -> int:
    """Show the products in the shop. Returns how many were not shown before."""
    now = timezone.now()
    return _update(
        products, by=by, reason=reason, status=Product.Status.PUBLISHED, published_at=Coalesce("published_at", now)
    )


def archive(products: Products, *, by: AbstractBaseUser | None = None, reason: str = "Archived") -> int:
    """Take the products out of the shop for good, but keep their rows. Returns how many were not archived before."""
    return _update(products, by=by, reason=reason, status=Product.Status.ARCHIVED)


def unpublish(products: Products, *, by: AbstractBaseUser | None = None, reason: str = "Back to draft") -> int:
    """Take the products out of the shop to work on them. Returns how many were no drafts before."""
    return _update(products, by=by, reason=reason, status=Product.Status.DRAFT)


def assign_category(
    products: Products, category: Category | None, *, by: AbstractBaseUser | None = None, reason: str = "Category set"
) -> int:
    """Move the products into a category, or into none. Returns how many were elsewhere before."""
    return _update(products, by=by, reason=reason, category=category)


def _update(products: Products, *, by: AbstractBaseUser | None, reason: str, **changes: Any) -> int:
    """Write `changes` to the products that differ in the first of them, with history, version and outbox."""
    name, value = next(iter(changes.items()))
    # A foreign key is compared by its column: the rows would be fetched one by one otherwise.
    column, wanted = ("category_id", value and value.pk) if name == "category" else (name, value)
    ids = ids_of(products)
    count = 0
    with transaction.atomic():
        for batch in batches(ids):
            rows = Product.objects.select_for_update().filter(pk__in=batch)
            # exclude(x=value) would also leave out the rows in which x is null.
            changed = [row.pk for row in rows.only("pk", column) if getattr(row, column) != wanted]
            if not changed:
                continue
            Product.objects.filter(pk__in=changed).update(**changes, updated_at=timezone.now())
            mark_changed(changed)
            Product.history.bulk_history_create(
                Product.objects.filter(pk__in=changed), update=True, default_user=by, default_change_reason=reason
            )
            count += len(changed)
    return count


def delete_products(products: Products, *, by: AbstractBaseUser | None = None) -> int:
    """Delete products with their codes, variants, pictures and files. Returns how many there were.

    The outbox entry stays: it is what makes a worker delete the point. Shops archive; this is for mistakes and for law.
    """
    ids = ids_of(products)
    count = 0
    with transaction.atomic():
        for batch in batches(ids):
            rows = list(Product.objects.select_for_update().filter(pk__in=batch))
            delete_files_after_commit(Picture.objects.filter(product__in=rows))
            for row in rows:
                if by is not None:
                    row._history_user = by
                row.delete()
            OutboxEntry.add(batch)
            count += len(rows)
        if ids:
            nudge_after_commit()
    return count


def save_variant(variant: Variant) -> None:
    """Insert or update a variant."""
    with transaction.atomic():
        variant.save()
        parts_changed(variant.product)


def delete_variant(variant: Variant) -> None:
    with transaction.atomic():
        variant.delete()
        parts_changed(variant.product)


def save_picture(picture: Picture) -> None:
    """Write the alternative text and the position of a stored picture. New ones come in by `catalog.pictures`."""
    with transaction.atomic():
        picture.save(update_fields=["alt", "position"])
        mark_changed([picture.product_id])


def delete_picture(picture: Picture) -> None:
    """Delete a picture with its file and thumbnails; files of the last minutes go when it is tidied up."""
    with transaction.atomic():
        delete_files_after_commit([picture])
        picture.delete()
        mark_changed([picture.product_id])
