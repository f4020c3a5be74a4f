"""What a shopper did, over all of their devices, read from the log each time: an event is in the next answer."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from catalog.tenancy import current_shop_id
from recommend.events.models import Event, Shopper
from recommend.events.shoppers import devices_of

Kind = Event.Kind
# What speaks for a product. A rating does from LOWEST_GOOD on.
POSITIVE = (Kind.VIEW, Kind.CLICK, Kind.CART, Kind.PURCHASE, Kind.RATING, Kind.LIKE)
AGAINST = (Kind.HIDE, Kind.NOT_FOR_ME)
LOWEST_GOOD = Decimal(3)
SPARE = 50  # read beyond what is asked for: some of it was put into the cart and taken out again


@dataclass(frozen=True, slots=True)
class Seen:
    product_id: int
    kind: str
    happened_at: datetime


@dataclass(frozen=True)
class Past:
    """All that surfaces want to know of a shopper, in three queries."""

    seen: list[Seen] = field(default_factory=list)  # oldest first
    rejected: set[int] = field(default_factory=set)  # product ids: hidden or not for this shopper
    bought: set[int] = field(default_factory=set)  # product ids


def past_of(shopper: Shopper | None, limit: int = 50) -> Past:
    """Return a shopper's past over all devices merged with this one; an empty one for strangers.

    `seen` are the last `limit` events that speak for a product and may be used (consent). Products that were hidden are
    left out, and so is what was put into the cart and taken out again. Who switched personalisation off has neither
    `seen` nor `bought`; `rejected` is what the shopper asked for and holds all the same, until a like takes it back.
    """
    return past_of_devices(*_devices(shopper), limit)


def past_of_devices(ids: list[int], personalised: bool, limit: int = 50) -> Past:
    """The same for who knows the ids of the merged shoppers, and whether the one at their root is personalised."""
    rejected, bought = _decided(ids)
    return Past(_seen(ids, rejected, limit), rejected, bought) if personalised else Past(rejected=rejected)


def _devices(shopper: Shopper | None) -> tuple[list[int], bool]:
    devices = devices_of(shopper) if shopper is not None else []
    # The root decides for all that were merged into it.
    return [each.pk for each in devices], any(each.personalised for each in devices if each.merged_into_id is None)


def _decided(ids: list[int]) -> tuple[set[int], set[int]]:
    """Products rejected and products bought, ever: few, so that no limit is needed."""
    if not ids:
        return set(), set()
    kinds = (*AGAINST, Kind.LIKE, Kind.PURCHASE)
    rejected: set[int] = set()
    bought: set[int] = set()
    for product, kind, _ in _read(ids, f"kind IN ({_places(kinds)}) ORDER BY happened_at, id", kinds):
        if kind in AGAINST:
            rejected.add(product)
        elif kind == Kind.LIKE:
            rejected.discard(product)
        else:
            bought.add(product)
    return rejected, bought


def _seen(ids: list[int], rejected: set[int], limit: int) -> list[Seen]:
    if not ids or limit <= 0:
        return []
    unrated = [kind for kind in (*POSITIVE, Kind.REMOVE) if kind != Kind.RATING]
    conditions = f"(kind IN ({_places(unrated)}) OR (kind = %s AND value >= %s))"
    values: list[Any] = [*unrated, Kind.RATING, LOWEST_GOOD]
    if rejected:
        conditions += f" AND product_id NOT IN ({_places(rejected)})"
        values += rejected
    rows = _read(ids, f"{conditions} ORDER BY happened_at DESC, id DESC LIMIT %s", [*values, limit + SPARE])
    seen: list[Seen] = []
    taken_out: dict[int, int] = {}
    for product, kind, at in rows:  # newest first: what is taken out is met before it was put in
        if kind == Kind.REMOVE:
            taken_out[product] = taken_out.get(product, 0) + 1
        elif kind == Kind.CART and taken_out.get(product):
            taken_out[product] -= 1
        else:
            seen.append(Seen(product, kind, at if at.tzinfo else at.replace(tzinfo=UTC)))
    return seen[:limit][::-1]


def _read(ids: list[int], conditions: str, values: Sequence[Any]) -> list[tuple[int, str, datetime]]:
    """Product, kind and time of events that may be used.

    Written out, since a history is read after each event: composing it costs several times what the database needs.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"{_USABLE.format(_places(ids))} AND {conditions}", [current_shop_id(), *ids, *values])
        return cursor.fetchall()


def _places(values: Collection[Any]) -> str:
    return ", ".join(["%s"] * len(values))


_USABLE = f"""
    SELECT product_id, kind, happened_at FROM {connection.ops.quote_name(Event._meta.db_table)}
    WHERE shop_id = %s AND shopper_id IN ({{}}) AND consent AND product_id IS NOT NULL
"""  # noqa: S608  (names of our own)
