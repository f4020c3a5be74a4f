"""Reads of the catalogue that more than one caller needs. Each costs a fixed number of queries, whatever it returns."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from django.db.models import Case, CharField, Exists, OuterRef, Prefetch, Q, QuerySet, Value, When
from django.utils import timezone

from catalog.models import Category, OutboxEntry, Picture, Product, ProductCode, Promotion, Variant

State = Literal["fresh", "waiting", "failed", "not indexed"]


@dataclass(frozen=True)
class IndexState:
    """How a product's point stands to its row: level, waiting for a worker, given up (and why), or not to be there."""

    state: State
    reason: str = ""


def published_products() -> QuerySet[Product]:
    """Return what shoppers may see."""
    return Product.objects.filter(status=Product.Status.PUBLISHED)


def with_skus(products: QuerySet[Product], *skus: str) -> QuerySet[Product]:
    """Return those of `products` that have one of these SKUs, which come as strangers typed them.

    One with a NUL is no product's, and is not asked for: PostgreSQL refuses the whole query.
    """
    return products.filter(sku__in=[sku for sku in skus if "\x00" not in sku])


def buyable(product: str = "") -> Q:
    """The condition that a product is in stock, itself or a variant. `product` is the lookup that leads to it."""
    lead, row = (f"{product}__", product) if product else ("", "pk")
    return Q(**{f"{lead}stock__gt": 0}) | Q(Exists(Variant.objects.filter(product=OuterRef(row), stock__gt=0)))


def with_card_parts(products: QuerySet[Product]) -> QuerySet[Product]:
    """Load what a card shows: brand, store, category and pictures in their order (two queries in all)."""
    return products.select_related("brand", "store", "category").prefetch_related(
        Prefetch("pictures", Picture.objects.order_by("position", "id"))
    )


def products_for_cards(ids: Sequence[int]) -> list[Product]:
    """Return the published products among `ids`, in that order. What is deleted or unpublished is left out."""
    rows = published_products().filter(pk__in=ids).select_related("brand", "store", "category")
    found = {product.pk: product for product in rows}
    products = [found[pk] for pk in dict.fromkeys(ids) if pk in found]
    _load_pictures(products)
    return products


def _load_pictures(products: Sequence[Product]) -> None:
    """As `prefetch_related` does, which composes a query for each product that it then does not ask: half the cost of
    all the cards of a page."""
    shown: dict[int, list[Picture]] = {product.pk: [] for product in products}
    for picture in Picture.objects.filter(product__in=list(shown)).order_by("position", "id"):
        shown[picture.product_id].append(picture)
    for product in products:
        kept = Picture.objects.all()
        kept._result_cache = shown[product.pk]
        kept._prefetch_done = True
        product.__dict__.setdefault("_prefetched_objects_cache", {})["pictures"] = kept


def product_by_slug(slug: str) -> Product:
    """Return a published product with everything its page shows. Raises Product.DoesNotExist."""
    return (
        with_card_parts(published_products())
        .prefetch_related(
            Prefetch("variants", Variant.objects.order_by("position", "id")),
            Prefetch("codes", ProductCode.objects.order_by("kind", "value")),
            "tags",
        )
        .get(slug=slug)
    )


def family_of(product: Product) -> list[Product]:
    """Return the other published products that differ from this one only in colour or size."""
    if not product.family:
        return []
    return list(with_card_parts(published_products().filter(family=product.family).exclude(pk=product.pk))[:24])


def category_subtree_ids(category: Category | str) -> list[int]:
    """Return the ids of a category, given by itself or by its slug, and of all below it. Empty for an unknown slug."""
    if isinstance(category, str):
        path = Category.objects.filter(slug=category).values_list("path", flat=True).first()
        if path is None:
            return []
    else:
        path = category.path
    return list(Category.objects.filter(path__startswith=path).values_list("pk", flat=True))


def running_promotions(at: datetime | None = None) -> list[Promotion]:
    """Return the promotions whose window is open, with their scope loaded, so that `covers` asks nothing more."""
    return list(
        promotions_at(at).prefetch_related(
            Prefetch("products", Product.objects.only("pk").order_by()),
            Prefetch("categories", Category.objects.only("pk", "path").order_by()),
            "brands",
        )
    )


def promotions_at(at: datetime | None = None) -> QuerySet[Promotion]:
    now = at or timezone.now()
    return Promotion.objects.filter(active=True, starts_at__lte=now).filter(Q(ends_at=None) | Q(ends_at__gt=now))


def products_in_scope(promotion: Promotion) -> QuerySet[Product]:
    """Return the published products that the promotion covers: the union of its products, categories and brands."""
    products = promotion.products.values("pk")
    brands = promotion.brands.values("pk")
    paths = list(promotion.categories.values_list("path", flat=True))
    if not paths and not products.exists() and not brands.exists():
        return published_products()
    scope = Q(pk__in=products) | Q(brand__in=brands)
    for path in paths:
        scope |= Q(category__path__startswith=path)
    return published_products().filter(scope)


def promotion_price(product: Product, promotions: Iterable[Promotion]) -> Decimal | None:
    """Return the lowest unit price that one of the promotions gives, or None where none lowers it.

    Promotions do not add up. Only percent and amount change a unit price. `product.category` must be loaded.
    """
    if product.price is None:
        return None
    price: Decimal = product.price
    best = price
    for promotion in promotions:
        if promotion.kind == Promotion.Kind.PERCENT:
            reduced = price * (1 - promotion.value / 100)
        elif promotion.kind == Promotion.Kind.AMOUNT:
            reduced = max(price - promotion.value, Decimal(0))
        else:
            continue
        if reduced < best and promotion.covers(product):
            best = reduced
    return best.quantize(Decimal("0.01"), ROUND_HALF_UP) if best < price else None


def index_state(product_ids: Collection[int]) -> dict[int, IndexState]:
    """Return the index state of each product that exists, in two queries."""
    entries = {entry.product_id: entry for entry in OutboxEntry.objects.filter(product_id__in=product_ids)}
    statuses = Product.objects.filter(pk__in=product_ids).values_list("pk", "status")
    return {pk: _state(status, entries.get(pk)) for pk, status in statuses}


def _state(status: str, entry: OutboxEntry | None) -> IndexState:
    if entry is None:
        return IndexState("fresh" if status == Product.Status.PUBLISHED else "not indexed")
    if entry.parked_at is not None:
        return IndexState("failed", entry.error or "Given up without a reason.")
    if entry.attempts and entry.error:
        return IndexState("waiting", f"Tried {entry.attempts} times, last: {entry.error}")
    return IndexState("waiting")


def with_index_state(products: QuerySet[Product]) -> QuerySet[Product]:
    """Annotate each product with `index_state_name`, to filter and count by it in the database."""
    entry = OutboxEntry.objects.filter(product_id=OuterRef("pk"))
    return products.annotate(
        index_state_name=Case(
            When(Exists(entry.filter(parked_at__isnull=False)), then=Value("failed")),
            When(Exists(entry), then=Value("waiting")),
            When(status=Product.Status.PUBLISHED, then=Value("fresh")),
            default=Value("not indexed"),
            output_field=CharField(),
        )
    )
