"""Which search a cart or a purchase belongs to: the one whose hit the shopper clicked last before it.

Last-touch attribution. It is decided once, when the event comes in, so that reports need not look for it.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from recommend.events.drafts import EventDraft
from recommend.events.models import Event

Kind = Event.Kind
LED_TO = (Kind.CART, Kind.PURCHASE)


class _Touch(NamedTuple):
    at: datetime
    search_id: UUID


def attribute(drafts: MutableMapping[int, EventDraft], products: Mapping[int, int | None]) -> None:
    """Give carts and purchases that name no search the one of the last click on that product, if there is one.

    At most SEARCH_ATTRIBUTION_HOURS may lie between. One query, and none where nothing was put into a cart or bought.
    `drafts` have their times; `products` are the ids of their products, by the same indexes.
    """
    window = timedelta(hours=settings.SEARCH_ATTRIBUTION_HOURS)
    open_ = {
        index: (draft.shopper.pk, products[index])
        for index, draft in drafts.items()
        if draft.kind in LED_TO and draft.search_id is None and draft.consent and draft.shopper and products[index]
    }
    if not open_ or not window:
        return
    touches = _touches(drafts, products, open_, window)
    for index, whose in open_.items():
        draft = drafts[index]
        at = draft.happened_at
        if at is None:
            continue
        before = [each for each in touches.get(whose, ()) if at - window <= each.at <= at]
        if before:
            drafts[index] = replace(draft, search_id=max(before).search_id)


def _touches(
    drafts: Mapping[int, EventDraft],
    products: Mapping[int, int | None],
    wanted: Mapping[int, tuple[int, int | None]],
    window: timedelta,
) -> dict[tuple[int, int | None], list[_Touch]]:
    """Clicks of these shoppers on these products that name a search, stored ones and those of the same batch."""
    pairs = set(wanted.values())
    found: dict[tuple[int, int | None], list[_Touch]] = {}
    for index, draft in drafts.items():
        if draft.search_id and draft.kind == Kind.CLICK and draft.consent and draft.shopper and draft.happened_at:
            whose = draft.shopper.pk, products[index]
            if whose in pairs:
                found.setdefault(whose, []).append(_Touch(draft.happened_at, draft.search_id))
    times = [at for index in wanted if (at := drafts[index].happened_at)]
    stored = Event.objects.filter(
        shopper__in={shopper for shopper, _ in pairs},
        product__in={product for _, product in pairs},
        kind=Kind.CLICK,
        search_id__isnull=False,
        happened_at__gte=min(times) - window,
        happened_at__lte=max(times),
    )
    for shopper, product, at, search_id in stored.values_list("shopper", "product", "happened_at", "search_id"):
        if search_id and (shopper, product) in pairs:
            found.setdefault((shopper, product), []).append(_Touch(at, search_id))
    return found
