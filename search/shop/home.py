"""The front page: what the catalogue has, shown in a fixed number of queries however large it is."""

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Max, Q

from catalog.models import Category, Collection, CollectionItem, Product, Store
from catalog.selectors import products_for_cards, promotions_at, published_products
from search.shop.cards import Card, make_cards

NEW_ARRIVALS = 12
COLLECTIONS = 6
COVERS = 3  # pictures on a collection's cover
OVERVIEW_SECONDS = 60  # counting a million products takes a while, and nobody notices a minute


@dataclass(frozen=True)
class Department:
    category: Category
    count: int
    cover: Card | None


def front_page() -> dict[str, object]:
    """The template's context."""
    overview: dict[str, Any] | None = cache.get("shop:overview")
    if overview is None:
        overview = _overview()
        cache.set("shop:overview", overview, OVERVIEW_SECONDS)
    collections = list(Collection.objects.order_by("-pk")[:COLLECTIONS])
    covers_of = _collection_covers(collections)
    wanted = [
        *overview["newest"],
        *(cover for _, _, cover in overview["departments"]),
        *(pk for pks in covers_of.values() for pk in pks),
    ]
    cards = {card.product.pk: card for card in make_cards(products_for_cards([pk for pk in wanted if pk]))}
    categories = Category.objects.in_bulk([pk for pk, _, _ in overview["departments"]])
    departments = [
        Department(categories[pk], count, cards.get(cover))
        for pk, count, cover in overview["departments"]
        if pk in categories
    ]
    newest = [cards[pk] for pk in overview["newest"] if pk in cards]
    return {
        "total": overview["total"],
        "departments_shown": departments,
        "new_arrivals": newest[:NEW_ARRIVALS],
        "collage": _collage(departments, newest),
        "promotions": list(promotions_at()[:3]),
        "collections": [
            (collection, [cards[pk] for pk in covers_of.get(collection.pk, ()) if pk in cards])
            for collection in collections
        ],
        "stores": _stores(),
    }


def _overview() -> dict[str, Any]:
    """Per department (root category id, products, a pictured product's id), the newest ids, and the total."""
    per_category = (
        published_products()
        .order_by()
        .values("category__path")
        .annotate(count=Count("pk", distinct=True), cover=Max("pk", filter=Q(pictures__position=0)))
    )
    counts: dict[str, tuple[int, int]] = {}
    total = 0
    for row in per_category:
        total += row["count"]
        if row["category__path"]:
            root = row["category__path"][: Category.steplen]
            count, cover = counts.get(root, (0, 0))
            counts[root] = count + row["count"], max(cover, row["cover"] or 0)
    roots = dict(Category.objects.filter(path__in=list(counts)).order_by("path").values_list("path", "pk"))
    newest = published_products().order_by("-published_at", "-pk").values_list("pk", flat=True)
    return {
        "total": total,
        "departments": [(pk, *counts[path]) for path, pk in roots.items()],
        "newest": list(newest[: NEW_ARRIVALS * 2]),
    }


def _collection_covers(collections: list[Collection]) -> dict[int, list[int]]:
    """Collection id -> the ids of the first published products in it."""
    items = (
        CollectionItem.objects.filter(
            collection__in=collections, product__status=Product.Status.PUBLISHED, product__pictures__position=0
        )
        .order_by("position", "pk")
        .values_list("collection_id", "product_id")
    )
    covers: dict[int, list[int]] = {}
    for collection, product in items:
        of_one = covers.setdefault(collection, [])
        if len(of_one) < COVERS and product not in of_one:
            of_one.append(product)
    return covers


def _collage(departments: list[Department], newest: list[Card]) -> list[Card]:
    """Up to six pictured products for the top of the page, from as many departments as there are."""
    cards = [department.cover for department in departments if department.cover] + newest
    return list({card.product.pk: card for card in cards if card.picture}.values())[:6]


def _stores() -> list[Store]:
    return list(
        Store.objects.annotate(count=Count("products", filter=Q(products__status=Product.Status.PUBLISHED)))
        .filter(count__gt=0)
        .order_by("-count", "name")[:6]
    )
