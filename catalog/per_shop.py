"""Names and memories that belong to one shop: what makes the shop part of every key outside of the database.

The first shop keeps the plain names, so that an installation which becomes one of several shops loses nothing it has.
"""

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, Generic, ParamSpec, TypeVar

from django.conf import settings

from catalog.tenancy import DEFAULT_SHOP, current_shop_id

T = TypeVar("T")
P = ParamSpec("P")
MOST_SHOPS: Final = 500  # whose memories one process holds; the one that was not asked for longest goes first
SHOPS: Final = "shops"  # the folder of all shops but the first
EVERYWHERE: Final = "everywhere:"  # before a cache key that all shops share


def named(name: str) -> str:
    """A name of the current shop's own: of an alias, a salt. "products" is "products-shop2" for shop 2."""
    shop_id = current_shop_id()
    return name if shop_id == DEFAULT_SHOP else f"{name}-shop{shop_id}"


def folder(shop_id: int | None = None) -> str:
    """What stands before the paths of a shop's files, the current one's without an id: "" or "shops/2/"."""
    shop_id = current_shop_id() if shop_id is None else shop_id
    return "" if shop_id == DEFAULT_SHOP else f"{SHOPS}/{shop_id}/"


def in_own_folder(path: str) -> bool:
    """Whether a path in the storage lies in the current shop's folder."""
    own = folder()
    return path.startswith(own) if own else not path.startswith(f"{SHOPS}/")


def cache_key(key: str, prefix: str, version: int) -> str:
    """The KEY_FUNCTION of django's cache. Raises NoShopError where a key belongs to a shop and none was chosen."""
    if not settings.MULTI_SHOP or key.startswith(EVERYWHERE):
        return f"{prefix}:{version}:{key}"
    return f"{prefix}:{version}:shop{current_shop_id()}:{key}"


class PerShop(Generic[T]):
    """One value for each shop, made by `make()` when it is first asked for; `here` is the current shop's."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._values: OrderedDict[int, T] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def here(self) -> T:
        shop_id = current_shop_id()
        with self._lock:
            if shop_id not in self._values:
                self._values[shop_id] = self._make()
                while len(self._values) > MOST_SHOPS:
                    self._values.popitem(last=False)
            self._values.move_to_end(shop_id)
            return self._values[shop_id]

    @here.setter
    def here(self, value: T) -> None:
        with self._lock:
            self._values[current_shop_id()] = value

    def all(self) -> list[T]:
        """Those of every shop that was asked for."""
        with self._lock:
            return list(self._values.values())

    def forget(self) -> None:
        """Make every shop's anew when it is next asked for. Also after a fork, where the lock may be held by nobody."""
        self._lock = threading.Lock()
        self._values = OrderedDict()


class ShopThreads(ThreadPoolExecutor):
    """Threads whose work is for the shop that hands it over."""

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        return super().submit(copy_context().run, function, *args, **kwargs)  # type: ignore[arg-type]


def shop_cache(maxsize: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """`functools.lru_cache` with the current shop in the key."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.lru_cache(maxsize=maxsize)
        def kept(shop_id: int, *args: Any, **kwargs: Any) -> T:
            return function(*args, **kwargs)

        @functools.wraps(function)
        def asked(*args: P.args, **kwargs: P.kwargs) -> T:
            return kept(current_shop_id(), *args, **kwargs)  # type: ignore[arg-type]

        asked.cache_clear = kept.cache_clear  # type: ignore[attr-defined]
        return asked

    return decorate
