"""Counts of what could be filtered on next, each over the products that meet all the other filters."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from django.conf import settings
from django.db.models import Count, Max, Min, Q, QuerySet
from qdrant_client import models

from catalog import selectors
from catalog.models import Category, Product, Promotion
from search.documents import ATTRIBUTE_SEPARATOR
from search.index.client import get_client
from search.index.live import Live
from search.language.synonyms import equals
from search.query.filters import ATTRIBUTE_PREFIX, attribute_keys
from search.query.request import Facet, FacetValue, Filters

STANDARD = ("category", "brand", "store", "price", "in_stock", "promotion")
MOST_VALUES = 30  # of one facet
MOST_ATTRIBUTES = 6  # facets of attributes chosen by themselves
MOST_ATTRIBUTE_COUNTS = 3000  # read from the index at once
# An attribute is offered if at least this share of the products has it, in at least two values that are not all single.
COMMON_ATTRIBUTE = 0.15
MOST_PROMOTIONS = 12

Rows = Callable[[str], QuerySet[Product]]  # the products found with one facet's filter lifted ("" lifts none)
Points = Callable[[str], models.Filter]  # the same for the vector store


def names(asked: tuple[str, ...] | None, filters: Filters) -> tuple[str, ...]:
    """The facets to count; None asks for the standard ones and those attributes that are filtered on or fit."""
    return (*STANDARD, *(ATTRIBUTE_PREFIX + name for name in filters.attributes)) if asked is None else asked


def count(
    live: Live | None, asked: tuple[str, ...] | None, filters: Filters, rows: Rows, points: Points
) -> list[Facet]:
    """Count each facet. Without `live`, those that the database cannot count are left out. Raises VectorStoreError."""
    counters: dict[str, Callable[[QuerySet[Product], Filters], Facet | None]] = {
        "category": _categories,
        "brand": lambda found, chosen: _named("brand", "Brand", found, chosen.brand),
        "store": lambda found, chosen: _named("store", "Store", found, chosen.store),
        "tag": lambda found, chosen: _tags(found, chosen.tag),
        "price": _prices,
        "in_stock": _stock,
        "promotion": _promotions,
    }
    facets = [counters[name](rows(name), filters) for name in names(asked, filters) if name in counters]
    if live is not None:
        facets += _attributes(live, asked, filters, points)
    return [facet for facet in facets if facet and (facet.values or facet.minimum is not None)]


def _values(counts: Iterable[tuple[str, str, int]], chosen: Iterable[str]) -> tuple[FacetValue, ...]:
    """The most frequent values, and all that are chosen, though they may count none."""
    chosen = set(chosen)
    ordered = sorted(counts, key=lambda each: (-each[2], each[1]))
    seen = {value for value, _, _ in ordered}
    kept = [each for position, each in enumerate(ordered) if position < MOST_VALUES or each[0] in chosen]
    kept += [(value, value, 0) for value in sorted(chosen - seen)]
    return tuple(FacetValue(value, label, number, value in chosen) for value, label, number in kept)


def _named(name: str, label: str, found: QuerySet[Product], chosen: tuple[str, ...]) -> Facet:
    counts = (
        found.filter(**{f"{name}__isnull": False})
        .order_by()
        .values_list(f"{name}__slug", f"{name}__name")
        .annotate(number=Count("pk", distinct=True))
    )
    return Facet(name, label, _values(counts, chosen))


def _tags(found: QuerySet[Product], chosen: tuple[str, ...]) -> Facet:
    counts = found.filter(tags__isnull=False).order_by().values_list("tags__slug", "tags__name")
    return Facet("tag", "Tag", _values(counts.annotate(number=Count("pk", distinct=True)), chosen))


def _categories(found: QuerySet[Product], filters: Filters) -> Facet:
    """The line down to the chosen category, its siblings and its children; at first the departments."""
    by_path: Counter[str] = Counter()
    step = Category.steplen
    counted = found.filter(category__isnull=False).order_by().values_list("category__path")
    for path, number in counted.annotate(number=Count("pk", distinct=True)):
        by_path.update({path[:end]: number for end in range(step, len(path) + 1, step)})
    nodes = {node.path: node for node in Category.objects.filter(path__in=by_path)}
    selected = next((node.path for node in nodes.values() if node.slug == filters.category), "")
    shown = [node for path, node in sorted(nodes.items()) if selected.startswith(path[:-step])]
    values = tuple(
        FacetValue(node.slug, node.name, by_path[node.path], node.slug == filters.category) for node in shown
    )
    return Facet("category", "Category", values)


def _prices(found: QuerySet[Product], filters: Filters) -> Facet:
    span = found.aggregate(low=Min("price"), high=Max("price"))
    low, high = (float(value) if value is not None else None for value in (span["low"], span["high"]))
    return Facet("price", "Price", (), minimum=low, maximum=high)


def _stock(found: QuerySet[Product], filters: Filters) -> Facet:
    number = found.filter(selectors.buyable()).distinct().count()
    values = (FacetValue("true", "In stock", number, filters.in_stock),) if number else ()
    return Facet("in_stock", "Availability", values)


def _promotions(found: QuerySet[Product], filters: Filters) -> Facet | None:
    running = selectors.running_promotions()[:MOST_PROMOTIONS]
    if not running:
        return None
    scopes = {f"p{promotion.pk}": Count("pk", filter=_scope(promotion), distinct=True) for promotion in running}
    counts = found.aggregate(**scopes)
    values = [(promotion.slug, promotion.name, counts[f"p{promotion.pk}"]) for promotion in running]
    return Facet(
        "promotion",
        "Promotion",
        _values((each for each in values if each[2]), (filters.promotion,) if filters.promotion else ()),
    )


def _scope(promotion: Promotion) -> Q:
    products = [product.pk for product in promotion.products.all()]
    brands = [brand.pk for brand in promotion.brands.all()]
    paths = [category.path for category in promotion.categories.all()]
    if not (products or brands or paths):
        return Q(pk__isnull=False)
    scope = Q(pk__in=products) | Q(brand__in=brands)
    for path in paths:
        scope |= Q(category__path__startswith=path)
    return scope


def _attributes(live: Live, asked: tuple[str, ...] | None, filters: Filters, points: Points) -> list[Facet]:
    chosen = {ATTRIBUTE_PREFIX + name: values for name, values in filters.attributes.items() if values}
    wanted = [name for name in names(asked, filters) if name.startswith(ATTRIBUTE_PREFIX)]
    if asked is not None and not wanted:
        return []
    common = _counts(live, points(""))
    facets = {}
    for name in wanted:
        counts = _counts(live, points(name)) if name in chosen else common
        facets[name] = _attribute(live, name, counts.get(name, {}), chosen.get(name, ()), points)
    if asked is None:
        # The reach of an attribute: how many products carry it, estimated from above by the sum over its values.
        products = get_client().count(live.name, count_filter=points(""), exact=True).count
        reach = {name: sum(values.values()) for name, values in common.items() if _divides(values)}
        for name in sorted(reach, key=lambda name: (-reach[name], name)):
            if len(facets) >= max(MOST_ATTRIBUTES, len(wanted)):
                break
            if reach[name] >= COMMON_ATTRIBUTE * products:
                facets.setdefault(name, _attribute(live, name, common[name], (), points))
    return list(facets.values())


def _divides(values: dict[str, int]) -> bool:
    """Whether choosing a value would help: there are at least two, and they gather products."""
    return len(values) >= 2 and sum(values.values()) >= 2 * len(values)


def _attribute(live: Live, name: str, counts: dict[str, int], chosen: Iterable[str], points: Points) -> Facet:
    label = name.removeprefix(ATTRIBUTE_PREFIX).replace("_", " ").strip().capitalize()
    shown = merged_values(counts, chosen, lambda same: _count_any(live, name, same, points))
    values = {value for value, _, _ in shown}
    return Facet(name, label, _values(shown, [value for value in chosen if value in values]))


def merged_values(
    counts: dict[str, int], chosen: Iterable[str], count_any: Callable[[list[str]], int]
) -> list[tuple[str, str, int]]:
    """(value, label, number) with synonyms as one value: the chosen one of them, or the most frequent.

    A product may carry two of them, so `count_any` counts those that carry any; it is asked for synonyms alone.
    """
    chosen = set(chosen)
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for value in sorted({*counts, *chosen}, key=lambda value: (value not in chosen, -counts.get(value, 0), value)):
        same = equals(value, settings.LANGUAGE_CODE)
        groups[tuple(sorted(same)) if len(same) > 1 else ("", value)].append(value)
    return [
        (
            values[0],
            " / ".join(values[:3]),
            count_any(values) if len(values) > 1 or values[0] not in counts else counts[values[0]],
        )
        for values in groups.values()
    ]


def _count_any(live: Live, name: str, values: list[str], points: Points) -> int:
    keys = attribute_keys(name.removeprefix(ATTRIBUTE_PREFIX), values)
    any_of = models.FieldCondition(key="attribute_values", match=models.MatchAny(any=keys))
    filter_ = points(name)
    both = models.Filter(must=[*([filter_] if filter_.must or filter_.should or filter_.must_not else []), any_of])
    return get_client().count(live.name, count_filter=both, exact=True).count


def _counts(live: Live, filter_: models.Filter) -> dict[str, dict[str, int]]:
    """Attribute facet -> value -> number of products."""
    answer = get_client().facet(
        live.name, "attribute_values", facet_filter=filter_, limit=MOST_ATTRIBUTE_COUNTS, exact=True
    )
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for hit in answer.hits:
        name, _, value = str(hit.value).partition(ATTRIBUTE_SEPARATOR)
        counts[ATTRIBUTE_PREFIX + name][value] = hit.count
    return counts
