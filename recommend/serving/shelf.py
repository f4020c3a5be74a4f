"""What can be bought now, asked of the database for each request: the index and the model may lag."""

from collections.abc import Collection
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from qdrant_client import models

from catalog.models import Product, Variant
from catalog.selectors import published_products
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


@dataclass(frozen=True)
class Wish:
    """The conditions of an Ask, with their names resolved."""

    ask: Ask
    conditions: Conditions

    @classmethod
    def of(cls, ask: Ask) -> "Wish":
        return cls(ask, resolve(ask.filters))

    def points(self, *also: models.Condition) -> models.Filter:
        """For the points of `behaviour`, which have no attributes: those are asked for afterwards."""
        within = [models.FieldCondition(key="in_stock", match=models.MatchValue(value=True)), *also]
        if self.ask.category:
            slug = models.MatchValue(value=self.ask.category.slug)
            within.append(models.FieldCondition(key="categories", match=slug))
        return self.conditions.filter_points(without=self.conditions.attributes, also=within)

    def rows(self) -> QuerySet[Product]:
        """The products that can be bought and meet the conditions, but for attributes."""
        in_variants = Exists(Variant.objects.filter(product=OuterRef("pk"), stock__gt=0))
        found = published_products().filter(Q(stock__gt=0) | in_variants).filter(self.conditions.filter_rows())
        if self.ask.category:
            found = found.filter(category__path__startswith=self.ask.category.path)
        return found.order_by()


def for_sale(wish: Wish, ids: Collection[int]) -> dict[int, Stand]:
    """Those of `ids` that can be bought and meet the wish. One query, one more to the index where attributes count."""
    if not ids:
        return {}
    rows = wish.rows().filter(pk__in=ids)
    if "tag" in wish.conditions.rows:
        rows = rows.distinct()
    stands = {
        pk: Stand(pk, family, brand or 0, store or 0, category or 0, path or "")
        for pk, family, brand, store, category, path in rows.values_list(
            "pk", "family", "brand_id", "store_id", "category_id", "category__path"
        )
    }
    if wish.conditions.attributes and stands:
        conditions = [each for name in wish.conditions.attributes for each in wish.conditions.points[name]]
        having = models.Filter(must=[has_id(stands), *conditions])
        found, _ = on_live(
            lambda live: get_client().scroll(
                live.name, scroll_filter=having, limit=len(stands), with_payload=False, with_vectors=False
            )
        )
        stands = {int(point.id): stands[int(point.id)] for point in found}
    return stands


def left_out(ask: Ask, profile: Profile, *, seen: bool) -> set[int]:
    """The products that this shopper is not to be shown: hidden, bought, on the page already, and if `seen`, seen."""
    without = set(ask.exclude) | profile.past.rejected | {each.pk for each in ask.anchors}
    if not settings.RECOMMEND_BOUGHT_AGAIN:
        without |= profile.past.bought
    if seen and not settings.RECOMMEND_SEEN_AGAIN:
        without |= {each.product_id for each in profile.past.seen}
    return without
