"""The tables that serving reads: counted from the log by a task, looked up by one query each."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from recommend.serving import exposure
from recommend.serving.demand import demand
from recommend.serving.log import Shelf, read_log, read_shelf
from recommend.serving.models import Companions, Crossing, Demand
from recommend.serving.pairs import Pairs, across_categories, in_baskets

MOST = 50  # companions kept of each
BATCH = 500


@dataclass(frozen=True)
class Counted:
    """What a refresh made."""

    events: int
    baskets: int  # products with companions in baskets
    crossings: int  # products with companions in other categories
    categories: int
    demands: int


@dataclass(frozen=True)
class Companion:
    """Another product (or category), how many units have both, how many have the first, lift and Dunning's G²."""

    id: int
    together: int
    alone: int
    lift: float
    g_squared: float


def refresh(at: datetime | None = None) -> Counted:
    """Count the last RECOMMEND_LOG_DAYS anew, and replace the tables. Repeating it changes nothing."""
    now = at or timezone.now()
    shelf = read_shelf()
    log = read_log(shelf, now - timedelta(days=settings.RECOMMEND_LOG_DAYS), now)
    baskets = in_baskets(log, shelf)
    products, categories = across_categories(log, shelf)
    wanted = demand(log, shelf, now.timestamp())
    some = wanted.popularity.nonzero()[0].tolist()
    demands = [
        Demand(
            product_id=int(shelf.ids[row]),
            popularity=float(wanted.popularity[row]),
            recent=int(wanted.recent[row]),
            expected=float(wanted.expected[row]),
            rise=float(wanted.rise[row]),
            counted_at=now,
        )
        for row in some
    ]
    crossings = [
        Crossing(category_id=first, rows=rows, counted_at=now) for first, rows in categories.by_first(MOST).items()
    ]
    basket_rows = _companions(Companions.Kind.BASKET, baskets, shelf, now)
    crossing_rows = _companions(Companions.Kind.CROSSING, products, shelf, now)
    _replace(Companions, [*basket_rows, *crossing_rows], ["product", "kind"], ["rows"], now)
    _replace(Crossing, crossings, ["category"], ["rows"], now)
    exposure.count_clicks(now)
    _replace(Demand, demands, ["product"], ["popularity", "recent", "expected", "rise"], now)
    return Counted(len(log), len(basket_rows), len(crossing_rows), len(crossings), len(demands))


def companions(product_ids: Collection[int], kind: str) -> dict[int, list[Companion]]:
    """Product id -> what goes with it, strongest first. One query."""
    rows = Companions.objects.filter(product__in=product_ids, kind=kind).values_list("product_id", "rows")
    return {product: _read(found) for product, found in rows}


def crossings(category_ids: Collection[int]) -> dict[int, list[Companion]]:
    """Category id -> the categories that its shoppers go on to, strongest first. One query."""
    rows = Crossing.objects.filter(category__in=category_ids).values_list("category_id", "rows")
    return {category: _read(found) for category, found in rows}


def _read(rows: Iterable[list[Any]]) -> list[Companion]:
    return [Companion(int(row[0]), int(row[1]), int(row[2]), float(row[3]), float(row[4])) for row in rows]


def _companions(kind: str, pairs: Pairs, shelf: Shelf, now: datetime) -> list[Companions]:
    return [
        Companions(
            product_id=int(shelf.ids[first]),
            kind=kind,
            rows=[[int(shelf.ids[int(second)]), *rest] for second, *rest in rows],
            counted_at=now,
        )
        for first, rows in pairs.by_first(MOST).items()
    ]


def _replace(model: type[models.Model], rows: list[Any], unique: list[str], values: list[str], now: datetime) -> None:
    """Write what was counted, and drop what was not counted again: readers see the old or the new, never neither."""
    with transaction.atomic():
        model._default_manager.bulk_create(
            rows,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=unique,
            update_fields=[*values, "counted_at"],
        )
        model._default_manager.filter(counted_at__lt=now).delete()
