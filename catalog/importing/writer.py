"""Writes a batch of rows in one transaction: products, history, codes, tags, variants, pictures and outbox together.

When the database refuses a batch, its halves are tried by themselves, down to the one row that is at fault: that row
is rejected with the reason, and no product is ever half written.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from catalog.importing.plan import COLUMNS, Plan, PreparedRow, existing_products, plan_row
from catalog.importing.report import Outcome, RowResult
from catalog.importing.rows import RowRules
from catalog.importing.taxonomy import Taxonomy
from catalog.importing.values import RowError
from catalog.models import OutboxEntry, Picture, Product, ProductCode, Variant
from catalog.pictures import picture_row
from catalog.services.files import delete_files_after_commit
from catalog.text import normalise_code, unique_slugs

logger = logging.getLogger(__name__)

_UPDATE_BATCH = 100  # an UPDATE of many rows is one CASE over all of them, whose cost grows with the square


class Writer:
    """Writes the batches of one import. ``user`` and ``reason`` go into the history."""

    def __init__(self, rules: RowRules, *, user: AbstractBaseUser | None = None, reason: str = "Import") -> None:
        self._rules, self._user, self._reason = rules, user, reason[:100]
        self._taxonomy = Taxonomy()
        self.pictures_added = 0

    def write(self, prepared: list[PreparedRow], *, after_commit: Callable[[], None]) -> list[RowResult]:
        """Write the rows, whose skus differ, and return what became of each, in order.

        Raises OperationalError when the database itself fails: then no row is at fault.
        """
        if not prepared:
            return []
        try:
            with transaction.atomic():
                results = self._write_all(prepared)
                if any(result.outcome in (Outcome.CREATED, Outcome.UPDATED) for result in results):
                    transaction.on_commit(after_commit)
                return results
        except (OperationalError, InterfaceError):
            self._taxonomy.forget()
            raise
        except Exception as error:
            self._taxonomy.forget()
            if len(prepared) == 1:
                return [_rejected(prepared[0], error)]
        middle = len(prepared) // 2
        return [
            *self.write(prepared[:middle], after_commit=after_commit),
            *self.write(prepared[middle:], after_commit=after_commit),
        ]

    def _write_all(self, prepared: list[PreparedRow]) -> list[RowResult]:
        existing = existing_products((item.row.sku for item in prepared), lock=True)
        owners = _variant_owners(prepared)
        plans: list[Plan] = []
        results: list[RowResult] = []
        for item in prepared:
            try:
                plan = plan_row(item, existing.get(item.row.sku), self._rules)
                _check_variants(item, owners)
                plans.append(plan)
                results.append(plan.result())
            except RowError as error:
                results.append(_rejected(item, error))
        self._ensure_taxonomy(plans)
        self._create([plan for plan in plans if plan.outcome is Outcome.CREATED])
        self._update([plan for plan in plans if plan.outcome is Outcome.UPDATED])
        self._note_hashes([plan for plan in plans if plan.outcome is Outcome.UNCHANGED])
        by_sku = {plan.row.sku: plan.product for plan in plans}
        for result in results:
            if product := by_sku.get(result.sku):
                result.product_id = product.pk
        return results

    def _ensure_taxonomy(self, plans: list[Plan]) -> None:
        def names(field: str) -> list[Any]:
            return [plan.changes[field][1] for plan in plans if field in plan.changes]

        self._taxonomy.ensure(
            brands=names("brand"),
            stores=names("store"),
            categories=names("category"),
            tags=[tag for tags in names("tags") for tag in tags],
        )

    def _assign(self, product: Product, plan: Plan) -> None:
        for name, (_, value) in plan.changes.items():
            if name in COLUMNS:
                setattr(product, name, value)
        if "brand" in plan.changes:
            product.brand = self._taxonomy.brand(plan.changes["brand"][1])
        if "store" in plan.changes:
            product.store = self._taxonomy.store(plan.changes["store"][1])
        if "category" in plan.changes:
            product.category = self._taxonomy.category(plan.changes["category"][1])
        if product.status == Product.Status.PUBLISHED and product.published_at is None:
            product.published_at = timezone.now()
        product.content_hash = plan.prepared.content_hash

    def _create(self, plans: list[Plan]) -> None:
        if not plans:
            return
        slugs = unique_slugs(Product, [(plan.row.values["title"], plan.row.sku) for plan in plans])
        products = []
        for plan, slug in zip(plans, slugs, strict=True):
            product = plan.product = Product(sku=plan.row.sku, slug=slug)
            self._assign(product, plan)
            products.append(product)
        Product.objects.bulk_create(products)
        self._record(products, update=False)
        ProductCode.objects.bulk_create(
            ProductCode(product=product, kind=kind, value=value, normalised=normalise_code(value))
            for plan, product in zip(plans, products, strict=True)
            for kind, value in sorted(_codes_of(product, plan))
        )
        self._write_tags(plans, replace=False)
        Variant.objects.bulk_create(variant for plan in plans for variant in _variants_of(plan))
        new_pictures = [picture for plan in plans for picture in _pictures_of(plan)]
        Picture.objects.bulk_create(new_pictures)
        self.pictures_added += len(new_pictures)
        OutboxEntry.add(product.pk for product in products)

    def _update(self, plans: list[Plan]) -> None:
        if not plans:
            return
        now = timezone.now()
        fields = {"version", "updated_at", "content_hash"}
        products = []
        for plan in plans:
            product = plan.product
            assert product is not None  # noqa: S101  an update has one
            published = product.published_at
            self._assign(product, plan)
            product.version += 1
            product.updated_at = now
            fields |= plan.changes.keys() & {*COLUMNS, "brand", "store", "category"}
            if product.published_at != published:
                fields.add("published_at")
            products.append(product)
        Product.objects.bulk_update(products, sorted(fields), batch_size=_UPDATE_BATCH)
        self._record(products, update=True)
        self._write_tags([plan for plan in plans if "tags" in plan.changes], replace=True)
        for plan, product in zip(plans, products, strict=True):
            if "variants" in plan.changes:
                _sync_variants(product, plan)
            if plan.changes.keys() & {"ean", "mpn", "variants"}:
                _sync_codes(product, plan)
            if "pictures" in plan.changes:
                self._sync_pictures(product, plan)
        OutboxEntry.add(product.pk for product in products)

    def _note_hashes(self, plans: list[Plan]) -> None:
        """Rows that were written another way and say the same: remembered, so that the next import is quick."""
        stale = []
        for plan in plans:
            product = plan.product
            if product and product.content_hash != plan.prepared.content_hash:
                product.content_hash = plan.prepared.content_hash
                stale.append(product)
        Product.objects.bulk_update(stale, ["content_hash"], batch_size=_UPDATE_BATCH)

    def _record(self, products: list[Product], *, update: bool) -> None:
        Product.history.bulk_history_create(
            products, update=update, default_user=self._user, default_change_reason=self._reason
        )

    def _write_tags(self, plans: list[Plan], *, replace: bool) -> None:
        through = Product.tags.through
        if replace:
            through.objects.filter(product_id__in=[plan.product.pk for plan in plans if plan.product]).delete()
        through.objects.bulk_create(
            through(product_id=plan.product.pk, tag_id=self._taxonomy.tag(name).pk)
            for plan in plans
            if plan.product
            for name in plan.changes.get("tags", (None, ()))[1]
        )

    def _sync_pictures(self, product: Product, plan: Plan) -> None:
        present = {picture.sha256: picture for picture in product.pictures.all()}
        wanted = plan.prepared.pictures or []
        gone = [picture for sha256, picture in present.items() if sha256 not in {item.sha256 for item in wanted}]
        delete_files_after_commit(gone)
        Picture.objects.filter(pk__in=[picture.pk for picture in gone]).delete()
        for position, item in enumerate(wanted):
            picture = present.get(item.sha256)
            if picture:
                picture.position, picture.source = position, item.source
                picture.alt = picture.alt if item.alt is None else item.alt
                picture.save(update_fields=["position", "source", "alt"])
        new = [picture for picture in _pictures_of(plan) if picture.sha256 not in present]
        Picture.objects.bulk_create(new)
        self.pictures_added += len(new)


def _rejected(item: PreparedRow, error: Exception) -> RowResult:
    if isinstance(error, RowError):
        reason = str(error)
    elif isinstance(error, ValidationError):
        reason = "; ".join(error.messages)
    elif isinstance(error, DatabaseError):
        reason = f"the database refused it: {str(error).splitlines()[0]}"
    else:
        logger.exception("Line %s could not be written", item.row.line)
        reason = f"unexpected {type(error).__name__}: {error}"
    return RowResult(item.row.line, item.row.sku, Outcome.REJECTED, reason=reason, warnings=item.row.warnings)


def _variant_owners(prepared: list[PreparedRow]) -> dict[str, str]:
    """Variant sku -> sku of the product that has it, for all variants that the rows name."""
    named = [variant.sku for item in prepared for variant in item.row.values.get("variants", ())]
    return dict(Variant.objects.filter(sku__in=named).values_list("sku", "product__sku")) if named else {}


def _check_variants(item: PreparedRow, owners: dict[str, str]) -> None:
    for variant in item.row.values.get("variants", ()):
        owner = owners.setdefault(variant.sku, item.row.sku)
        if owner != item.row.sku:
            raise RowError("variants", f"the sku {variant.sku!r} belongs to the product {owner!r}")


def _codes_of(product: Product, plan: Plan) -> set[tuple[str, str]]:
    values = plan.row.values
    codes = {("sku", product.sku)} | {("sku", variant.sku) for variant in values.get("variants", ())}
    if product.mpn:
        codes.add(("mpn", product.mpn))
    return codes | {("ean", value) for value in values.get("ean", ())}


def _sync_codes(product: Product, plan: Plan) -> None:
    wanted = _codes_of(product, plan)
    if "variants" not in plan.row.values:
        wanted |= {("sku", variant.sku) for variant in product.variants.all()}
    present = {(code.kind, code.value): code.pk for code in product.codes.all()}
    if "ean" not in plan.row.values:
        wanted |= {key for key in present if key[0] == "ean"}
    gone = [pk for key, pk in present.items() if key not in wanted]
    ProductCode.objects.filter(pk__in=gone).delete()
    ProductCode.objects.bulk_create(
        ProductCode(product=product, kind=kind, value=value, normalised=normalise_code(value))
        for kind, value in sorted(wanted - present.keys())
    )


def _variants_of(plan: Plan) -> Iterable[Variant]:
    for position, variant in enumerate(plan.row.values.get("variants", ())):
        yield Variant(
            product=plan.product,
            sku=variant.sku,
            title=variant.title,
            attributes=variant.attributes,
            price=variant.price,
            stock=variant.stock,
            position=position,
        )


def _sync_variants(product: Product, plan: Plan) -> None:
    present = {variant.sku: variant.pk for variant in product.variants.all()}
    wanted = list(_variants_of(plan))
    Variant.objects.filter(pk__in=present.values()).exclude(sku__in=[variant.sku for variant in wanted]).delete()
    kept = []
    for variant in wanted:
        if variant.sku in present:
            variant.pk = present[variant.sku]
            kept.append(variant)
    Variant.objects.bulk_update(kept, ["title", "attributes", "price", "stock", "position"], batch_size=_UPDATE_BATCH)
    Variant.objects.bulk_create(variant for variant in wanted if variant.sku not in present)


def _pictures_of(plan: Plan) -> Iterable[Picture]:
    for position, item in enumerate(plan.prepared.pictures or ()):
        if item.new is not None and plan.product is not None:
            yield picture_row(plan.product.pk, item.new, alt=item.alt or "", position=position, source=item.source)
