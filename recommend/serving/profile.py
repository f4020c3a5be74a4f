"""What is known of who asks, read once a request: what they did, and how the live model sees it."""

import logging
import math
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from django.db import connection

from catalog.models import Brand, Category, Product
from catalog.per_shop import PerShop
from catalog.tenancy import current_shop_id
from recommend.events.history import Past, Seen
from recommend.models.base import Ids
from recommend.serving import memory
from recommend.surfaces.base import Ask
from recommend.training.live import Live, live

log = logging.getLogger(__name__)

RETRY_SECONDS = 10.0  # before a model that could not be read is tried again
_resting_until: PerShop[float] = PerShop(lambda: -math.inf)  # of the monotonic clock

# What was done with a product, as a reason says it.
DEEDS = {
    "view": "you looked at {}",
    "click": "you looked at {}",
    "cart": "you put {} into your cart",
    "purchase": "you bought {}",
    "rating": "you rated {} well",
    "like": "you like {}",
}


@dataclass(frozen=True)
class Known:
    """What a reason needs of a product of the history."""

    id: int
    sku: str
    title: str
    brand: str
    brand_id: int | None
    store_id: int | None
    category: str
    category_id: int | None
    family: str


@dataclass(frozen=True)
class Profile:
    """A shopper with the live model, or without either."""

    past: Past = field(default_factory=Past)
    live: Live | None = None

    @cached_property
    def events(self) -> list[Seen]:
        """The events that the model knows the products of, oldest first; what was repeated at once counts once."""
        rows = self.live.rows if self.live else {}
        known = [each for each in self.past.seen if each.product_id in rows]
        last = len(known) - 1
        return [each for at, each in enumerate(known) if at == last or known[at + 1].product_id != each.product_id]

    @cached_property
    def history(self) -> Ids:
        """(events,) rows of the live model."""
        rows = self.live.rows if self.live else {}
        return np.array([rows[each.product_id] for each in self.events], np.int64)

    @cached_property
    def remembered(self) -> dict[int, Known]:
        """The products of the history that shoppers may still see, by id. One query, asked when first needed."""
        return known_products({each.product_id for each in self.past.seen})

    @cached_property
    def last(self) -> dict[int, Seen]:
        """Product id -> the last event with it, the oldest product first."""
        found: dict[int, Seen] = {}
        for each in self.past.seen:
            found.pop(each.product_id, None)
            found[each.product_id] = each
        return found

    def deed(self, product_id: int) -> str:
        """ "you looked at Folding chair"; empty if that is not known any more."""
        seen, product = self.last.get(product_id), self.remembered.get(product_id)
        return DEEDS[seen.kind].format(product.title) if seen and product else ""


def profile_of(ask: Ask) -> Profile:
    """One query for a shopper, three more if anything happened since; none for a stranger. What was hidden counts in
    every case."""
    known = live_model()
    if ask.shopper is None:
        return Profile(live=known)
    if not ask.personal:
        return Profile(Past(rejected=memory.past(ask.shopper).rejected), known)
    return Profile(memory.past(ask.shopper), known)


def live_model() -> Live | None:
    """The live model; None where there is none, or its files cannot be read: counts and content serve then."""
    if time.monotonic() < _resting_until.here:
        return None
    try:
        return live()
    except (OSError, ValueError):
        log.exception("The live model cannot be loaded")
        _resting_until.here = time.monotonic() + RETRY_SECONDS
        return None


memory.on_forget(_resting_until.forget)


def known_products(ids: Iterable[int]) -> dict[int, Known]:
    """What reasons say of products, those that shoppers may still see. Names may be half a minute old."""
    return _NAMES.of(set(ids))


def _read_names(ids: Collection[int]) -> dict[int, Known]:
    with connection.cursor() as cursor:
        cursor.execute(_NAMED.format(", ".join(["%s"] * len(ids))), [current_shop_id(), Product.Status.PUBLISHED, *ids])
        return {row[0]: Known(*row) for row in cursor.fetchall()}


# Written out, as in `shelf`.
_PRODUCTS, _BRANDS, _CATEGORIES = (
    connection.ops.quote_name(model._meta.db_table) for model in (Product, Brand, Category)
)
_NAMED = f"""
    SELECT p.id, p.sku, p.title, COALESCE(b.name, ''), p.brand_id, p.store_id, COALESCE(c.name, ''), p.category_id,
        p.family
    FROM {_PRODUCTS} p LEFT JOIN {_BRANDS} b ON b.id = p.brand_id LEFT JOIN {_CATEGORIES} c ON c.id = p.category_id
    WHERE p.shop_id = %s AND p.status = %s AND p.id IN ({{}})
"""  # noqa: S608  (names of our own)
_NAMES = memory.Kept(_read_names, seconds=30, most=20_000)
