"""Which shop of the installation the running code works for.

The number of the shop is part of the key of every row, point, file and cache entry. It is set where work enters the
process (a request's host, a task's header, a command's option) and read wherever a key is made, so nothing in between
passes it along. Where several shops are served, code that nobody gave a shop fails instead of taking some shop's rows.

Threads do not inherit it: what a thread is given to do runs under `contextvars.copy_context()` or names its shop.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from django.conf import settings

DEFAULT_SHOP: Final = 1  # the only one, where MULTI_SHOP is off

_current: ContextVar[int | None] = ContextVar("shop", default=None)


class NoShopError(LookupError):
    """Rows were asked for by code that works for no shop."""

    def __init__(self) -> None:
        super().__init__("Several shops are served here, and nothing says which of them is meant: use in_shop(…).")


def current_shop_id() -> int:
    """The shop that is worked for. Raises NoShopError where several are served and none was chosen."""
    shop_id = _current.get()
    if shop_id is not None:
        return shop_id
    if settings.MULTI_SHOP:
        raise NoShopError
    return DEFAULT_SHOP


@contextlib.contextmanager
def in_shop(shop_id: int) -> Iterator[None]:
    """Work for one shop inside of the block."""
    token = _current.set(shop_id)
    try:
        yield
    finally:
        _current.reset(token)
