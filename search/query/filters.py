"""Filters, said twice: to the vector store for words and pictures, and to the database for browsing."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Q
from qdrant_client import models

from catalog import selectors
from catalog.models import Category, Collection, Promotion
from search.documents import attribute_key
from search.language.synonyms import found_by, spellings
from search.query.request import Filters

ATTRIBUTE_PREFIX = "attributes."
# Beyond this many products an attribute cannot narrow a browsed list; the list then says so.
ATTRIBUTE_SCOPE = 10_000


@dataclass(frozen=True)
class Conditions:
    """The filters of one request with their names resolved. Each condition carries the name of its facet."""

    points: dict[str, list[models.Condition]] = field(default_factory=dict)
    rows: dict[str, Q] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()  # filters whose value names nothing: no product meets them

    def names(self) -> Iterable[str]:
        """The facets that are filtered on."""
        return self.points.keys()

    def filter_points(self, *, without: Container[str] = (), also: Iterable[models.Condition] = ()) -> models.Filter:
        """Qdrant's filter of all conditions but those of the facets in `without`."""
        must = [each for name, conditions in self.points.items() if name not in without for each in conditions]
        return models.Filter(must=[*must, *also])

    def filter_rows(self, *, without: Container[str] = ()) -> Q:
        """The database's filter of the same; attributes are not in it, because they lie in the index."""
        together = Q()
        for name, condition in self.rows.items():
            if name not in without:
                together &= condition
        return together

    @property
    def attributes(self) -> list[str]:
        return [name for name in self.points if name.startswith(ATTRIBUTE_PREFIX)]


def resolve(filters: Filters) -> Conditions:
    """Look up what the filters name: at most four queries, and none for an empty filter."""
    points: dict[str, list[models.Condition]] = {}
    rows: dict[str, Q] = {}
    unknown = []
    if filters.category:
        path = Category.objects.filter(slug=filters.category).values_list("path", flat=True).first()
        if path is None:
            unknown.append("category")
        points["category"] = [_match("categories", filters.category)]
        rows["category"] = Q(category__path__startswith=path) if path else Q(pk__in=[])
    for name, slugs in (("brand", filters.brand), ("store", filters.store)):
        if slugs:
            points[name] = [_match(name, *slugs)]
            rows[name] = Q(**{f"{name}__slug__in": slugs})
    if filters.tag:
        points["tag"] = [_match("tags", *filters.tag)]
        rows["tag"] = Q(tags__slug__in=filters.tag)
    if filters.price_min is not None or filters.price_max is not None:
        points["price"] = [
            models.FieldCondition(key="price", range=models.Range(gte=filters.price_min, lte=filters.price_max))
        ]
        rows["price"] = Q(price__isnull=False)
        if filters.price_min is not None:
            rows["price"] &= Q(price__gte=filters.price_min)
        if filters.price_max is not None:
            rows["price"] &= Q(price__lte=filters.price_max)
    if filters.in_stock:
        points["in_stock"] = [models.FieldCondition(key="in_stock", match=models.MatchValue(value=True))]
        rows["in_stock"] = selectors.buyable()
    if filters.promotion:
        promotion = selectors.promotions_at().filter(slug=filters.promotion).first()
        if promotion is None:
            unknown.append("promotion")
        points["promotion"] = [_in_scope(promotion) if promotion else has_id([])]
        rows["promotion"] = Q(pk__in=selectors.products_in_scope(promotion).values("pk")) if promotion else Q(pk__in=[])
    if filters.collection:
        collection = Collection.objects.filter(slug=filters.collection).first()
        if collection is None:
            unknown.append("collection")
        ids = list(collection.items.values_list("product_id", flat=True)) if collection else []
        points["collection"] = [has_id(ids)]
        rows["collection"] = Q(pk__in=ids)
    for name, values in filters.attributes.items():
        if values:
            points[ATTRIBUTE_PREFIX + name] = [_match("attribute_values", *attribute_keys(name, values))]
    return Conditions(points, rows, tuple(unknown))


def attribute_keys(name: str, values: Iterable[str]) -> list[str]:
    """The index's entries of these values and of their synonyms, in the spellings that catalogues write them in."""
    keys: dict[str, None] = {}
    for value in values:
        keys[attribute_key(name, value)] = None
        same = found_by(value, settings.LANGUAGE_CODE)
        if len(same) > 1:
            keys.update(dict.fromkeys(attribute_key(name, written) for each in same for written in spellings(each)))
    return list(keys)


def has_id(ids: Iterable[int]) -> models.HasIdCondition:
    return models.HasIdCondition(has_id=list(ids))


def _match(key: str, *values: str) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchAny(any=list(values)))


def _in_scope(promotion: Promotion) -> models.Condition:
    """The scope as conditions, which stay as small as the promotion is written, however many products it covers."""
    scope: list[models.Condition] = []
    if ids := list(promotion.products.values_list("pk", flat=True)):
        scope.append(has_id(ids))
    if slugs := list(promotion.categories.values_list("slug", flat=True)):
        scope.append(_match("categories", *slugs))
    if slugs := list(promotion.brands.values_list("slug", flat=True)):
        scope.append(_match("brand", *slugs))
    return models.Filter(should=scope)  # an empty scope covers everything, and so does an empty filter
