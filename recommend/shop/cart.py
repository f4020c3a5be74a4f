"""A shopper's cart: what is in it, what it costs, and what of it can be had.

It lives in the session and holds nothing but product, variant and quantity; price, stock and promotions are read anew
each time, so that a cart left open over night is right in the morning.
"""

from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catalog.models import Product, Promotion, Variant
from catalog.selectors import promotion_price, published_products, running_promotions, with_card_parts

KEY = "cart"
MOST_LINES = 100  # a session is a cookie's worth of data to load on each request
MOST_OF_ONE = 99


class CartError(Exception):
    """What was asked cannot be put into the cart; the message is a sentence for the shopper."""


class ChoiceNeededError(CartError):
    """The product is bought in a size or finish, and none was named."""


@dataclass(frozen=True)
class Line:
    """So many pieces of one thing, and what they cost now."""

    key: str  # what the session and the page's forms call it: "12", or "12-5" with a variant
    product: Product  # with brand, store, category and pictures loaded
    variant: Variant | None
    quantity: int
    available: int  # pieces in stock
    unit: Decimal  # the price of one piece, reduced where a promotion does
    full: Decimal  # the price of one piece without
    free: int = 0  # pieces that a "buy X, get Y" gives away
    promotion: Promotion | None = None  # the one that was applied

    @property
    def total(self) -> Decimal:
        return self.unit * (self.quantity - self.free)

    @property
    def paid(self) -> Decimal:
        """What one piece costs in the end, those that are given away counted in."""
        return (self.total / self.quantity).quantize(Decimal("0.01"))

    @property
    def full_total(self) -> Decimal:
        return self.full * self.quantity

    @property
    def saved(self) -> Decimal:
        return self.full_total - self.total


@dataclass(frozen=True)
class Content:
    """The cart as it stands: its lines, and sentences on what had to be changed since the shopper saw it last."""

    lines: list[Line]
    notes: list[str]

    @property
    def totals(self) -> dict[str, Decimal]:
        """Currency -> amount. A shop with several currencies has several sums: it converts none."""
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            sums[line.product.currency] = sums.get(line.product.currency, Decimal(0)) + line.total
        return sums

    @property
    def saved(self) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            if line.saved > 0:
                sums[line.product.currency] = sums.get(line.product.currency, Decimal(0)) + line.saved
        return sums


class Cart:
    """The cart in a session."""

    def __init__(self, session: MutableMapping[str, Any]) -> None:
        self._session = session

    @property
    def quantities(self) -> dict[str, int]:
        """Line key -> pieces. A session that holds anything else counts as an empty cart."""
        stored = self._session.get(KEY)
        return dict(stored) if isinstance(stored, dict) else {}

    @property
    def count(self) -> int:
        """Pieces in the cart. Asks no database."""
        return sum(self.quantities.values())

    @property
    def product_ids(self) -> list[int]:
        return list(dict.fromkeys(_ids(key)[0] for key in self.quantities))

    def add(self, product: Product, variant: Variant | None = None, quantity: int = 1) -> None:
        """Put pieces of a published product in. Raises CartError where it has no price or not so many are left."""
        variants = list(product.variants.all())
        if variants and variant is None:
            raise ChoiceNeededError(f"Choose which {product.title} you would like.")
        if (variant.price if variant and variant.price is not None else product.price) is None:
            raise CartError(f"{product.title} has no price, so it cannot be ordered here.")
        key = _key(product, variant)
        wanted = self.quantities.get(key, 0) + quantity
        self._set(key, wanted, product, variant)

    def change(self, key: str, quantity: int) -> None:
        """Set how many pieces of a line are wanted; 0 takes it out. Raises CartError as `add` does."""
        if key not in self.quantities:
            raise CartError("That is not in your cart any more.")
        if quantity <= 0:
            self.remove(key)
            return
        product_id, variant_id = _ids(key)
        product = published_products().filter(pk=product_id).first()
        variant = Variant.objects.filter(pk=variant_id, product_id=product_id).first() if variant_id else None
        if product is None or (variant_id and variant is None):
            raise CartError("That is not sold any more.")
        self._set(key, quantity, product, variant)

    def remove(self, key: str) -> bool:
        quantities = self.quantities
        found = quantities.pop(key, None) is not None
        self._session[KEY] = quantities
        return found

    def clear(self) -> None:
        self._session[KEY] = {}

    def content(self) -> Content:
        """Read the cart against the catalogue; what is gone leaves it, and what is short is lowered, each with a note.

        Costs a fixed number of queries.
        """
        quantities = self.quantities
        if not quantities:
            return Content([], [])
        found = _load(quantities)
        promotions = running_promotions()
        lines: list[Line] = []
        notes: list[str] = []
        for key, quantity in quantities.items():
            product, variant = found.get(key, (None, None))
            if product is None:
                notes.append("Something in your cart is not sold any more, so we took it out.")
                continue
            name = f"{product.title}, {variant.title}" if variant else product.title
            available = variant.stock if variant else product.stock
            priced = line_of(product, variant, min(quantity, available), promotions)
            if priced is None:
                notes.append(f"{name} has no price at the moment, so we took it out.")
            elif not available:
                notes.append(f"{name} is sold out, so we took it out.")
            else:
                if quantity > available:
                    notes.append(f"Only {available} of {name} left: we lowered the number.")
                lines.append(priced)
        if notes:
            self._session[KEY] = {line.key: line.quantity for line in lines}
        return Content(lines, list(dict.fromkeys(notes)))

    def listed(self) -> list[dict[str, Any]]:
        """What was put in, by SKU and title, sold or not; what was deleted has neither. The cart stays as it is."""
        products = Product.objects.in_bulk(self.product_ids)
        variants = Variant.objects.in_bulk([variant for _, variant in map(_ids, self.quantities) if variant])
        told: list[dict[str, Any]] = []
        for key, quantity in self.quantities.items():
            product_id, variant_id = _ids(key)
            product, variant = products.get(product_id), variants.get(variant_id or 0)
            named = {"sku": (variant or product).sku, "title": product.title} if product else {}
            told.append({**named, "quantity": quantity})
        return told

    def _set(self, key: str, quantity: int, product: Product, variant: Variant | None) -> None:
        quantities = self.quantities
        available = variant.stock if variant else product.stock
        if not available:
            raise CartError(f"{product.title} is sold out.")
        if quantity > min(available, MOST_OF_ONE):
            raise CartError(f"Only {min(available, MOST_OF_ONE)} of {product.title} can be had at the moment.")
        if key not in quantities and len(quantities) >= MOST_LINES:
            raise CartError(f"The cart holds at most {MOST_LINES} different things.")
        quantities[key] = quantity
        self._session[KEY] = quantities


def _key(product: Product, variant: Variant | None) -> str:
    return f"{product.pk}-{variant.pk}" if variant else str(product.pk)


def _ids(key: str) -> tuple[int, int | None]:
    product, _, variant = key.partition("-")
    return int(product), int(variant) if variant else None


def _load(keys: Iterable[str]) -> dict[str, tuple[Product, Variant | None]]:
    """Line key -> what it stands for, of what is still sold."""
    ids = {key: _ids(key) for key in keys}
    products = {
        product.pk: product
        for product in with_card_parts(published_products().filter(pk__in={product for product, _ in ids.values()}))
    }
    variants = Variant.objects.in_bulk([variant for _, variant in ids.values() if variant])
    found = {}
    for key, (product_id, variant_id) in ids.items():
        product = products.get(product_id)
        variant = variants.get(variant_id) if variant_id else None
        belongs = variant_id is None or (variant is not None and variant.product_id == product_id)
        if product is not None and belongs:
            found[key] = (product, variant)
    return found


def line_of(product: Product, variant: Variant | None, quantity: int, promotions: Sequence[Promotion]) -> Line | None:
    """Price so many pieces; None for what has no price. `product.category` must be loaded.

    Of all promotions that cover it, the one that leaves the least to pay, for they do not add up.
    """
    key, available = _key(product, variant), variant.stock if variant else product.stock
    if variant is not None and variant.price is not None:
        # The product's page shows a variant's own price as it is.
        return Line(key, product, variant, quantity, available, variant.price, variant.price)
    if product.price is None:
        return None
    best = Line(key, product, variant, quantity, available, product.price, product.price)
    for promotion in promotions:
        if not promotion.covers(product):
            continue
        unit, free = product.price, 0
        if promotion.kind == Promotion.Kind.BUY_X_GET_Y:
            bundle = promotion.buy_quantity + promotion.free_quantity
            free = quantity // bundle * promotion.free_quantity if bundle else 0
        else:
            reduced = promotion_price(product, [promotion])
            unit = product.price if reduced is None else reduced
        line = Line(key, product, variant, quantity, available, unit, product.price, free, promotion)
        if line.total < best.total:
            best = line
    return best


def priced(key: str, quantity: int) -> Line | None:
    """Price so many pieces of a line, in the cart or not; None for what is not sold any more."""
    product, variant = _load([key]).get(key, (None, None))
    return line_of(product, variant, quantity, running_promotions()) if product else None
