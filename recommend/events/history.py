"""What a shopper did, over all of their devices, read from the log each time: an event is in the next answer."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

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
    """Return what `history_of`, `rejected_by` and `bought_by` return, at once."""
    return past_of_devices(*_devices(shopper), limit)


def past_of_devices(ids: list[int], personalised: bool, limit: int = 50) -> Past:
    """The same for who knows the ids of the merged shoppers, and whether the one at their root is personalised."""
    rejected, bought = _decided(ids)
    return Past(_seen(ids, rejected, limit), rejected, bought) if personalised else Past(rejected=rejected)


def history_of(shopper: Shopper | None, limit: int = 50) -> list[Seen]:
    """Return the last `limit` events that speak for a product, oldest first; [] for strangers.

    Over all devices merged with this one, and only what may be used (consent). Products that were hidden are left out,
    and so is what was put into the cart and taken out again. A shopper who switched personalisation off has no history.
    """
    ids, personalised = _devices(shopper)
    return _seen(ids, _decided(ids)[0], limit) if personalised else []


def rejected_by(shopper: Shopper | None) -> set[int]:
    """Return the ids of products that the shopper hid or does not want; a like afterwards takes that back.

    This is what the shopper asked for, so it holds without personalisation too.
    """
    return _decided(_devices(shopper)[0])[0]


def bought_by(shopper: Shopper | None) -> set[int]:
    """Return the ids of products that the shopper bought."""
    ids, personalised = _devices(shopper)
    return _decided(ids)[1] if personalised else set()


def _devices(shopper: Shopper | None) -> tuple[list[int], bool]:
    devices = devices_of(shopper) if shopper is not None else []
    # The root decides for all that were merged into it.
    return [each.pk for each in devices], any(each.personalised for each in devices if each.merged_into_id is None)


def _events(ids: list[int]) -> Q:
    return Q(shopper__in=ids, consent=True, product__isnull=False)


def _decided(ids: list[int]) -> tuple[set[int], set[int]]:
    """Products rejected and products bought, ever: few, so that no limit is needed."""
    if not ids:
        return set(), set()
    rows = (
        Event.objects.filter(_events(ids), kind__in=(*AGAINST, Kind.LIKE, Kind.PURCHASE))
        .order_by("happened_at", "pk")
        .values_list("product_id", "kind")
    )
    rejected: set[int] = set()
    bought: set[int] = set()
    for product, kind in rows:
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
    kinds = Q(kind__in=unrated) | Q(kind=Kind.RATING, value__gte=LOWEST_GOOD)
    events = Event.objects.filter(_events(ids), kinds)
    if rejected:
        events = events.exclude(product__in=rejected)
    rows = events.order_by("-happened_at", "-pk").values_list("product_id", "kind", "happened_at")[: limit + SPARE]
    seen: list[Seen] = []
    taken_out: dict[int, int] = {}
    for product, kind, at in rows:  # newest first: what is taken out is met before it was put in
        if kind == Kind.REMOVE:
            taken_out[product] = taken_out.get(product, 0) + 1
        elif kind == Kind.CART and taken_out.get(product):
            taken_out[product] -= 1
        else:
            seen.append(Seen(product, kind, at))
    return seen[:limit][::-1]
