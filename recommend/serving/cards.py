"""Products as cards show them, remembered while their rows stay the same.

The state of a row comes with each request from the database (`shelf.for_sale`), so a price, a title or a stock is never
an old one. What changes a picture or the name of a brand marks the products that show it, so that is in the state as
well; only what is written past `catalog.services` may be minutes old.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

from catalog.models import Product
from catalog.selectors import products_for_cards
from recommend.serving import memory
from recommend.serving.shelf import Stand

SECONDS = 300.0
MOST = 5_000
_held: OrderedDict[tuple[int, tuple[object, ...]], tuple[float, Product]] = OrderedDict()
_lock = threading.Lock()
memory.on_forget(_held.clear)


def cards(stands: Sequence[Stand]) -> list[Product]:
    """Products in the order given; two queries for those that are not remembered. They are shared: change none."""
    now = time.monotonic()
    with _lock:
        held = {each.id: _held.get((each.id, each.state)) for each in stands}
    found = {id: entry[1] for id, entry in held.items() if entry is not None and now - entry[0] < SECONDS}
    missing = [each for each in stands if each.id not in found]
    if missing:
        read = {product.pk: product for product in products_for_cards([each.id for each in missing])}
        with _lock:
            for each in missing:
                if each.id in read:
                    _held[each.id, each.state] = now, read[each.id]
            while len(_held) > MOST:
                _held.popitem(last=False)
        found |= read
    return [found[each.id] for each in stands if each.id in found]
