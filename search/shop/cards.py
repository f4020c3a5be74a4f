"""A product as a card shows it: which picture, which price, which badges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from catalog.models import Picture, Product, Promotion, Variant
from catalog.selectors import promotion_price, running_promotions
from search.shop.explaining import Line

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
    sold_out: bool
    to_choose: bool = False  # it is bought in one of several sizes or finishes
    promotions: tuple[Promotion, ...] = ()  # that cover the product
    why: str = ""  # a recommendation's reason
    explanation: Sequence[Line] | None = field(default=None, compare=False)

    @property
    def buyable(self) -> bool:
        """Whether it can go into a cart as it is."""
        return self.price is not None and not self.sold_out and not self.to_choose

    @property
    def percent_off(self) -> int:
        if self.price is None or not self.was:
            return 0
        return int((1 - self.price / self.was) * 100)

    @property
    def badges(self) -> list[Badge]:
        """What is worth a word at the corner of the picture, the most important first."""
        product = self.product
        if self.sold_out:
            return [Badge("Sold out")]
        badges = [Badge(f"−{self.percent_off}%", "sale")] if self.percent_off > 0 else []
        for promotion in self.promotions:
            if promotion.kind == Promotion.Kind.BUY_X_GET_Y:
                total = promotion.buy_quantity + promotion.free_quantity
                badges.append(Badge(f"{total} for {promotion.buy_quantity}", "sale"))
            elif promotion.kind == Promotion.Kind.FREE_SHIPPING:
                badges.append(Badge("Free shipping"))
        if not badges and product.published_at and timezone.now() - product.published_at < NEW_FOR:
            badges.append(Badge("New", "new"))
        if 0 < product.stock <= FEW:
            badges.append(Badge(f"Only {product.stock} left"))
        return badges


def make_cards(
    products: Sequence[Product],
    *,
    reasons: Mapping[int, str] | None = None,
    explanations: Mapping[int, Sequence[Line] | None] | None = None,
) -> list[Card]:
    """Cards in the order of `products`, whose brand, store, category and pictures are loaded (`products_for_cards`).

    `reasons` and `explanations` are by product id. Costs the running promotions, and one query for the variants: a
    product with none in stock may have some of a variant.
    """
    promotions = running_promotions()
    in_variants: dict[int, bool] = {}
    for product, stock in Variant.objects.filter(product__in=products).values_list("product_id", "stock"):
        in_variants[product] = in_variants.get(product, False) or stock > 0
    return [
        _card(
            product,
            promotions,
            sold_out=product.stock == 0 and not in_variants.get(product.pk, False),
            to_choose=product.pk in in_variants,
            why=(reasons or {}).get(product.pk, ""),
            explanation=(explanations or {}).get(product.pk),
        )
        for product in products
    ]


def _card(product: Product, promotions: Sequence[Promotion], **rest: Any) -> Card:
    covering = tuple(promotion for promotion in promotions if promotion.covers(product))
    price, was = product.price, product.compare_at_price if product.on_sale else None
    reduced = promotion_price(product, covering)
    if reduced is not None:
        price, was = reduced, was or product.price
    picture = next(iter(product.pictures.all()), None)
    return Card(product, picture, _tint(product), price, was, promotions=covering, **rest)


def _tint(product: Product) -> int:
    """Products of one department share a colour, so that a page of one department reads as one."""
    if product.category is None:
        return product.pk % TINTS + 1
    return int(product.category.path[: product.category.steplen], 36) % TINTS + 1
