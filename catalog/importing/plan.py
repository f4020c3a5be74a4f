"""Compares what a row says with what the database holds: the preview shows the differences, the writer writes them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from catalog.importing.report import Outcome, RowResult
from catalog.importing.rows import PictureRef, ProductRow, RowRules, VariantRow
from catalog.importing.taxonomy import SEPARATOR
from catalog.importing.values import RowError
from catalog.models import Picture, Product
from catalog.verification import VerifiedPicture

RELATED = ("brand", "store", "category", "tags", "codes", "variants", "pictures")
COLUMNS = (
    "title",
    "description",
    "translations",
    "attributes",
    "mpn",
    "family",
    "price",
    "compare_at_price",
    "currency",
    "stock",
    "status",
    "released",
)


@dataclass(frozen=True, slots=True)
class WantedPicture:
    """A picture that the product should have; ``alt`` None keeps the text that it has."""

    sha256: str
    source: str
    alt: str | None
    new: VerifiedPicture | None = None  # None: the product has it already


@dataclass(slots=True)
class PreparedRow:
    """A row whose pictures are loaded. An empty hash means that something of it is still to come."""

    row: ProductRow
    content_hash: str
    pictures: list[WantedPicture] | None = None


@dataclass(slots=True)
class Plan:
    """What a row changes about a product (None: it is new). Only fields that differ are among ``changes``."""

    prepared: PreparedRow
    product: Product | None  # the writer puts the new product here
    outcome: Outcome
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def row(self) -> ProductRow:
        return self.prepared.row

    def result(self) -> RowResult:
        return RowResult(
            self.row.line,
            self.row.sku,
            self.outcome,
            warnings=self.row.warnings,
            changes=self.changes,
            product_id=self.product.pk if self.product else None,
        )


def existing_products(skus: Iterable[str], *, lock: bool) -> dict[str, Product]:
    """Return the products of these skus with all that hangs on them, locked against other writers if asked for."""
    rows = Product.objects.select_for_update() if lock else Product.objects.all()
    return {row.sku: row for row in rows.filter(sku__in=list(skus)).prefetch_related(*RELATED).order_by("pk")}


def plan_row(prepared: PreparedRow, product: Product | None, rules: RowRules) -> Plan:
    """Return what a row changes. Raises `RowError` for a new product without a title."""
    row = prepared.row
    wanted = dict(row.values)
    if rules.only_store:
        _check_store(wanted, product, rules.only_store)
    if product is None:
        if "title" not in wanted:
            raise RowError("title", "is missing, and there is no product with this sku yet")
        wanted = {"status": rules.status, "stock": rules.stock, "currency": rules.currency} | wanted
        changes: dict[str, tuple[Any, Any]] = {
            name: (None, value) for name, value in wanted.items() if value not in (None, "", [], {}, ())
        }
    else:
        current = current_values(product)
        changes = {
            name: (current[name], value) for name, value in wanted.items() if not _same(name, current[name], value)
        }
    if prepared.pictures is not None:
        before = [(picture.sha256, picture.alt) for picture in product.pictures.all()] if product else []
        texts = dict(before)
        after = [(p.sha256, texts.get(p.sha256, "") if p.alt is None else p.alt) for p in prepared.pictures]
        if before != after:
            shown = (
                None if product is None else [picture.source or picture.sha256 for picture in product.pictures.all()]
            )
            changes["pictures"] = (shown, [picture.source for picture in prepared.pictures])
    outcome = Outcome.CREATED if product is None else Outcome.UPDATED if changes else Outcome.UNCHANGED
    return Plan(prepared, product, outcome, changes)


def _check_store(wanted: dict[str, Any], product: Product | None, store: str) -> None:
    """Raise `RowError` unless the product is, and stays, of this store. A new one is put there."""
    theirs = product is not None and (product.store is None or product.store.name != store)
    if theirs or wanted.get("store", store).casefold() != store.casefold():
        raise RowError("store", f"is not {store!r}, and the key writes products of that store alone")
    if product is None or "store" in wanted:
        wanted["store"] = store  # as it is written: another store may be called so in other case


def current_values(product: Product) -> dict[str, Any]:
    """Return a product in the form of `ProductRow.values`. Its relations should be prefetched (`RELATED`)."""
    values: dict[str, Any] = {name: getattr(product, name) for name in COLUMNS}
    return values | {
        "brand": product.brand.name if product.brand else "",
        "store": product.store.name if product.store else "",
        "category": tuple(product.category.full_name.split(SEPARATOR)) if product.category else (),
        "tags": sorted(tag.name for tag in product.tags.all()),
        "ean": sorted(code.value for code in product.codes.all() if code.kind == "ean"),
        "variants": [
            VariantRow(variant.sku, variant.title, variant.attributes, variant.price, variant.stock)
            for variant in product.variants.all()
        ],
    }


def _same(name: str, current: Any, wanted: Any) -> bool:
    if name in ("brand", "store"):
        return bool(current.casefold() == wanted.casefold())
    if name == "category":
        return [part.casefold() for part in current] == [part.casefold() for part in wanted]
    if name == "tags":
        return sorted(part.casefold() for part in current) == sorted(part.casefold() for part in wanted)
    return bool(current == wanted)


def kept_picture(picture: Picture, ref: PictureRef) -> WantedPicture:
    return WantedPicture(picture.sha256, picture.source, ref.alt)
