"""A product as a card shows it: which picture, which price, which badges."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from catalog.models import Picture, Product, Promotion
from catalog.selectors import promotion_price, running_promotions

NEW_FOR = timedelta(days=21)
FEW = 3  # pieces left that are worth a word
TINTS = 6  # as in shop.css


@dataclass(frozen=True)
class Badge:
    text: str
    kind: str = ""  # "sale", "new" or plain


@dataclass(frozen=True)
class Card:
    product: Product
    picture: Picture | None
    tint: int  # 1 to TINTS: one department, one colour
    price: Decimal | None
    was: Decimal | None  # the struck price, always above `price`
    badges: tuple[Badge, ...] = ()
    promotions: tuple[Promotion, ...] = ()  # that cover the product
    why: str = ""  # a recommendation's reason
    explanation: dict[str, Any] | None = field(default=None, compare=False)

    @property
    def percent_off(self) -> int:
        if self.price is None or not self.was:
            return 0
        return int((1 - self.price / self.was) * 100)


def make_card(
    product: Product,
    promotions: Sequence[Promotion],
    *,
    why: str = "",
    explanation: dict[str, Any] | None = None,
) -> Card:
    """A card of a product whose brand, store, category and pictures are loaded. Asks the database nothing."""
    covering = tuple(promotion for promotion in promotions if promotion.covers(product))
    price, was = product.price, product.compare_at_price if product.on_sale else None
    reduced = promotion_price(product, covering)
    if reduced is not None:
        price, was = reduced, max(filter(None, (product.price, was)))
    pictures = list(product.pictures.all())
    card = Card(
        product=product,
        picture=pictures[0] if pictures else None,
        tint=_tint(product),
        price=price,
        was=was,
        promotions=covering,
        why=why,
        explanation=explanation,
    )
    return Card(**{**card.__dict__, "badges": tuple(_badges(card))})


def make_cards(products: Iterable[Product]) -> list[Card]:
    """Cards in the order of `products`; costs what `running_promotions` costs."""
    promotions = running_promotions()
    return [make_card(product, promotions) for product in products]


def _tint(product: Product) -> int:
    """Products of one department share a colour, so that a page of one department reads as one."""
    if product.category is None:
        return product.pk % TINTS + 1
    return int(product.category.path[: product.category.steplen], 36) % TINTS + 1


def _badges(card: Card) -> Iterable[Badge]:
    product = card.product
    if product.stock == 0:
        yield Badge("Sold out")
        return
    if card.percent_off > 0:
        yield Badge(f"−{card.percent_off}%", "sale")
    for promotion in card.promotions:
        if promotion.kind == Promotion.Kind.BUY_X_GET_Y:
            yield Badge(f"{promotion.buy_quantity + promotion.free_quantity} for {promotion.buy_quantity}", "sale")
        elif promotion.kind == Promotion.Kind.FREE_SHIPPING:
            yield Badge("Free shipping")
    if not card.was and product.published_at and timezone.now() - product.published_at < NEW_FOR:
        yield Badge("New", "new")
    elif product.stock <= FEW:
        yield Badge(f"Only {product.stock} left")
