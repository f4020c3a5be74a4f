"""Which collection is searched now, and by which encoders its vectors were made."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.conf import settings

from search.encoders.registry import Spec
from search.index.client import get_client
from search.index.errors import IndexMissing, VectorStoreError
from search.index.schema import Shape, alias

T = TypeVar("T")
CACHED_SECONDS = 1.0
GONE = 404


@dataclass(frozen=True)
class Live:
    """The collection behind the alias. A query is encoded by its specs: vectors of two models never meet."""

    name: str
    text_spec: Spec
    image_spec: Spec


_lock = threading.Lock()
_cached: dict[tuple[str, ...], tuple[float, Live]] = {}


def live_collection(*, refresh: bool = False) -> Live:
    """What the alias points at, at most a second old. Raises IndexMissing before the first `embed`."""
    key = (settings.QDRANT_URL, str(settings.VECTORD_DIR), alias())
    known = _cached.get(key)
    if known and not refresh and time.monotonic() - known[0] < CACHED_SECONDS:
        return known[1]
    name = alias_target()
    if name is None:
        with _lock:
            _cached.pop(key, None)
        raise IndexMissing(alias())
    # A name stands for one shape for good, so only the alias has to be asked again.
    if known and known[1].name == name:
        live = known[1]
    else:
        shape = shape_of(name)
        live = Live(name, shape.text.spec, shape.image.spec)
    with _lock:
        _cached[key] = time.monotonic(), live
    return live


def on_live(ask: Callable[[Live], T]) -> T:
    """Run a query on the live collection; once more if that collection was dropped since the alias was looked up."""
    try:
        return ask(live_collection())
    except VectorStoreError as error:
        if error.status != GONE or isinstance(error, IndexMissing):
            raise
        return ask(live_collection(refresh=True))


def alias_target() -> str | None:
    """The name of the collection behind the alias, from the store itself."""
    aliases, own = get_client().get_aliases().aliases, alias()
    return next((each.collection_name for each in aliases if each.alias_name == own), None)


def shape_of(name: str) -> Shape:
    """The shape that a collection was created with. Raises VectorStoreError for a collection that is not of ours."""
    metadata = get_client().get_collection(name).config.metadata
    try:
        return Shape.from_metadata(metadata or {})
    except (KeyError, TypeError) as error:
        raise VectorStoreError(f"The collection {name!r} was not made by this shop.", permanent=True) from error
