"""What can be bought now, asked of the database for each request: the index and the model may lag."""

from collections.abc import Collection
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from qdrant_client import models

from catalog.models import Category, Product, Variant
from catalog.selectors import buyable, published_products
from catalog.tenancy import current_shop_id
from recommend.serving.profile import Profile
from recommend.surfaces.base import Ask
from search.index.client import get_client
from search.index.live import on_live
from search.query.filters import Conditions, has_id, resolve


@dataclass(frozen=True)
class Stand:
    """Where a product belongs: what caps, families and kinds go by. 0 and "" are none."""

    id: int
    family: str
    brand: int
    store: int
    category: int
    path: str  # of the category
    state: tuple[object, ...] = ()  # changes with whatever a card shows of the product's own row


@dataclass(frozen=True)
class Wish:
    """The conditions of an Ask, with their names resolved."""

    ask: Ask
    conditions: Conditions

    @classmethod
    def of(cls, ask: Ask) -> "Wish":
        return cls(ask, resolve(ask.filters))

    @property
    def narrows(self) -> bool:
        """Whether it asks for more than that a product can be bought; attributes aside, which the index knows."""
        return bool(self.ask.category or self.conditions.rows)

    def points(self, *also: models.Condition) -> models.Filter:
        """For the points of `behaviour`, which have no attributes: those are asked for afterwards."""
        within = [models.FieldCondition(key="in_stock", match=models.MatchValue(value=True)), *also]
        if self.ask.category:
            slug = models.MatchValue(value=self.ask.category.slug)
            within.append(models.FieldCondition(key="categories", match=slug))
        return self.conditions.filter_points(without=self.conditions.attributes, also=within)

    def rows(self) -> QuerySet[Product]:
        """The products that can be bought and meet the conditions, but for attributes."""
        found = published_products().filter(buyable(), self.conditions.filter_rows())
        if self.ask.category:
            found = found.filter(category__path__startswith=self.ask.category.path)
        return found.order_by()


def for_sale(wish: Wish, ids: Collection[int]) -> dict[int, Stand]:
    """Those of `ids` that can be bought and meet the wish. One query; one more for conditions, one to the index for
    attributes."""
    if not ids:
        return {}
    if wish.narrows:
        ids = set(wish.rows().filter(pk__in=ids).values_list("pk", flat=True))
    if wish.conditions.attributes and ids:
        conditions = [each for name in wish.conditions.attributes for each in wish.conditions.points[name]]
        having = models.Filter(must=[has_id(ids), *conditions])
        found, _ = on_live(
            lambda live: get_client().scroll(
                live.name, scroll_filter=having, limit=len(ids), with_payload=False, with_vectors=False
            )
        )
        ids = {int(point.id) for point in found}
    if not ids:
        return {}
    with connection.cursor() as cursor:
        places = ", ".join(["%s"] * len(ids))
        cursor.execute(_FOR_SALE.format(places), [current_shop_id(), Product.Status.PUBLISHED, *ids])
        return {
            row[0]: Stand(row[0], row[1], row[2] or 0, row[3] or 0, row[4] or 0, row[5] or "", row[6:])
            for row in cursor.fetchall()
        }


# Written out, since it is asked with each request: composing it costs several times what the database needs.
_PRODUCTS, _CATEGORIES, _VARIANTS = (
    connection.ops.quote_name(model._meta.db_table) for model in (Product, Category, Variant)
)
_FOR_SALE = f"""
    SELECT p.id, p.family, p.brand_id, p.store_id, p.category_id, c.path,
        p.version, p.updated_at, p.price, p.compare_at_price, p.stock
    FROM {_PRODUCTS} p LEFT JOIN {_CATEGORIES} c ON c.id = p.category_id
    WHERE p.shop_id = %s AND p.status = %s AND p.id IN ({{}})
        AND (p.stock > 0 OR EXISTS (SELECT 1 FROM {_VARIANTS} v WHERE v.product_id = p.id AND v.stock > 0))
"""  # noqa: S608  (names of our own)


def left_out(ask: Ask, profile: Profile, *, seen: bool) -> set[int]:
    """The products that this shopper is not to be shown: hidden, bought, on the page already, and if `seen`, seen."""
    without = set(ask.exclude) | profile.past.rejected | {each.pk for each in ask.anchors}
    if not settings.RECOMMEND_BOUGHT_AGAIN:
        without |= profile.past.bought
    if seen and not settings.RECOMMEND_SEEN_AGAIN:
        without |= {each.product_id for each in profile.past.seen}
    return without
