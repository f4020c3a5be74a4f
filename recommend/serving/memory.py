"""What a process remembers between requests: the rows of one page would ask for the same things again and again."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection

from catalog.tenancy import current_shop_id
from recommend.events.history import Past, past_of_devices
from recommend.events.models import Event, Shopper

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
SHOPPERS = 5_000
PAST_SECONDS = 600.0  # a past that nobody asked for so long is let go at the next request
_everything: list[Callable[[], None]] = []


def on_forget(clear: Callable[[], None]) -> None:
    """Have `clear` called by `forget`."""
    _everything.append(clear)


def forget() -> None:
    """Start afresh: everything is read anew."""
    for clear in _everything:
        clear()


class Kept(Generic[K, V]):
    """Answers of `read` by key, the last ones asked for, for some seconds. That there is none is remembered too.

    Each shop has its own answers; they share the room.
    """

    def __init__(self, read: Callable[[Collection[K]], dict[K, V]], *, seconds: float, most: int) -> None:
        self._read, self._seconds, self._most = read, seconds, most
        self._held: OrderedDict[tuple[int, K], tuple[float, V | None]] = OrderedDict()
        self._lock = threading.Lock()
        on_forget(self.forget)

    def of(self, keys: Collection[K]) -> dict[K, V]:
        """Return the answers by key; those that are not there, or too old, are read together."""
        now, shop = time.monotonic(), current_shop_id()
        with self._lock:
            held = {key: self._held[shop, key] for key in keys if (shop, key) in self._held}
            for key in held:
                self._held.move_to_end((shop, key))
        fresh = {key: value for key, (at, value) in held.items() if now - at < self._seconds}
        if missing := [key for key in keys if key not in fresh]:
            read = self._read(missing)
            with self._lock:
                for key in missing:
                    fresh[key] = read.get(key)
                    self._held[shop, key] = now, fresh[key]
                    self._held.move_to_end((shop, key))
                # What nobody asked for so long is too old by now. Keys may name states that never come again, as those
                # of `cards` do: they would stay until the room is full.
                while self._held and (len(self._held) > self._most or now - self._oldest() >= self._seconds):
                    self._held.popitem(last=False)
        return {key: value for key in keys if (value := fresh[key]) is not None}

    def _oldest(self) -> float:
        return next(iter(self._held.values()))[0]

    def forget(self) -> None:
        with self._lock:
            self._held.clear()


_lock = threading.Lock()
_pasts: OrderedDict[tuple[int, UUID], tuple[Any, Past, float]] = OrderedDict()  # with when it was asked for last


def past(shopper: Shopper) -> Past:
    """The shopper's past. One query tells whether anything was added, removed or merged since; only then it is read."""
    state, own = _state(shopper.pk), (current_shop_id(), shopper.key)
    now = time.monotonic()
    with _lock:
        while _pasts and now - next(iter(_pasts.values()))[2] > PAST_SECONDS:
            _pasts.popitem(last=False)
        known = _pasts.get(own)
        if known is not None:
            _pasts[own] = known[0], known[1], now
            _pasts.move_to_end(own)
    if known is not None and known[0] == state:
        return known[1]
    personalised = any(may for _, merged_into, may, *_ in state if merged_into is None)
    found = past_of_devices([id for id, *_ in state], personalised)
    with _lock:
        _pasts[own] = state, found, now
        _pasts.move_to_end(own)
        while len(_pasts) > SHOPPERS:
            _pasts.popitem(last=False)
    return found


def forget_shoppers(keys: Iterable[UUID]) -> None:
    """Let go of what this process remembers of these shoppers; others do within PAST_SECONDS."""
    with _lock:
        for key in keys:
            _pasts.pop((current_shop_id(), key), None)


def _state(pk: int) -> tuple[Any, ...]:
    """Of each device merged with this one: whether it may be personal, its number of events and the last one's id.

    The log is append-only, so a history that differs has another number or another last id. Written out, since it is
    asked with each request: composing it costs several times what the database needs.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STATE, [current_shop_id(), pk, pk])
        return tuple(cursor.fetchall())


on_forget(_pasts.clear)
_SHOPPERS, _EVENTS = (connection.ops.quote_name(model._meta.db_table) for model in (Shopper, Event))
_ROOT = f"(SELECT COALESCE(merged_into_id, id) FROM {_SHOPPERS} WHERE id = %s)"  # noqa: S608  (names of our own)
_STATE = f"""
    SELECT s.id, s.merged_into_id, s.personalised, COUNT(e.id), MAX(e.id)
    FROM {_SHOPPERS} s LEFT JOIN {_EVENTS} e ON e.shopper_id = s.id
    WHERE s.shop_id = %s AND (s.id = {_ROOT} OR s.merged_into_id = {_ROOT})
    GROUP BY s.id, s.merged_into_id, s.personalised ORDER BY s.id
"""  # noqa: S608  (names of our own)
