"""Products as cards show them, remembered while their rows stay the same.

The state of a row comes with each request from the database (`shelf.for_sale`), so a price, a title or a stock is never
an old one. What changes a picture or the name of a brand marks the products that show it, so that is in the state as
well; only what is written past `catalog.services` may be minutes old.
"""

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar, cast

from catalog.models import Product
from catalog.selectors import products_for_cards
from recommend.serving.memory import Kept
from recommend.serving.shelf import Stand

T = TypeVar("T")
_State = tuple[int, tuple[object, ...]]  # id, and what changes with the row


def cards(stands: Sequence[Stand]) -> list[Product]:
    """Products in the order given; two queries for those that are not remembered. They are shared: change none."""
    found = _CARDS.of([(each.id, each.state) for each in stands])
    return [found[each.id, each.state] for each in stands if (each.id, each.state) in found]


def made_of(product: Product, make: Callable[[Product], T]) -> T:
    """What `make` makes of a product, once for as long as the product is remembered. It is shared too."""
    made = product.__dict__.setdefault("_made", {})
    if make not in made:
        made[make] = make(product)
    return cast(T, made[make])


def _read(states: Collection[_State]) -> dict[_State, Product]:
    read = {product.pk: product for product in products_for_cards([id for id, _ in states])}
    return {state: read[state[0]] for state in states if state[0] in read}


_CARDS = Kept(_read, seconds=300, most=5_000)
