"""The model that is live, as this process has it: loaded when first asked for, again within a second of a publish."""

import json
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from django.conf import settings

from catalog.per_shop import PerShop
from catalog.per_shop import folder as shop_folder
from recommend.models import registry
from recommend.models.base import Items, Recommender, Scores, VectorModel
from recommend.training.features import Features
from recommend.training.models import ModelVersion

CACHED_SECONDS = 1.0
CROSSING = "crossing"  # the folder of what leads to other categories, beside the model's
ARRAYS = ("keys", "content", "attributes", "categories")


@dataclass(frozen=True)
class Live:
    """A trained version with what it was trained on. Row i of everything is `items.keys[i]`, a product's id."""

    version: int
    model: Recommender
    items: Items
    features: Features
    folder: Path | None = None  # of the version; None where the model is held in memory alone

    @cached_property
    def crossing(self) -> Recommender | None:
        """What leads to other categories, if that was learned; read when first asked for. Rows are those of `items`."""
        part = self.folder / CROSSING if self.folder else None
        return registry.load(part) if part and part.is_dir() else None

    @cached_property
    def rows(self) -> dict[int, int]:
        """Product id -> row."""
        return {int(key): row for row, key in enumerate(self.items.keys)}

    @cached_property
    def item_vectors(self) -> Scores:
        """(items, dim) of `vectors`, which must be there."""
        assert self.vectors is not None  # noqa: S101  (said above)
        return self.vectors.item_vectors()

    @cached_property
    def vectors(self) -> VectorModel | None:
        """The part of the model whose score is an inner product; None for a model that has none."""
        return vector_part(self.model)


def vector_part(model: Recommender) -> VectorModel | None:
    """The model itself where its score is an inner product, the transformer of a blend, or None."""
    for part in (model, getattr(model, "transformer", None)):
        if hasattr(part, "user_vector") and hasattr(part, "item_vectors"):
            return part  # type: ignore[return-value]
    return None


@dataclass
class _Cached:
    asked_at: float = -CACHED_SECONDS
    path: str = ""
    live: Live | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_cached: PerShop[_Cached] = PerShop(_Cached)


def forget() -> None:
    """Let the next `live` ask anew. A forked child loads its own: a network that ran in its parent hangs in it."""
    _cached.forget()


os.register_at_fork(after_in_child=forget)


def live() -> Live | None:
    """Return the live model, None before the first publish. Asks the database at most once a second.

    While one thread loads a new version, the others go on with the one before. Raises OSError or ValueError where the
    version's files cannot be read.
    """
    cached = _cached.here
    known = cached.live
    if time.monotonic() - cached.asked_at < CACHED_SECONDS and _folder_is(cached.path):
        return known
    row = ModelVersion.objects.filter(live=True).values_list("pk", "path").first()
    if row is None:
        _cached.here = _Cached(time.monotonic(), _key(""))
        return None
    version, folder = row
    if known is not None and known.version == version and cached.path == _key(folder):
        cached.asked_at = time.monotonic()
        return known
    if not cached.lock.acquire(blocking=known is None):
        return known
    try:
        known = _cached.here.live
        if known is None or known.version != version or _cached.here.path != _key(folder):
            known = load(version, folder)
            _one_thread()
        _cached.here = _Cached(time.monotonic(), _key(folder), known, cached.lock)
        return known
    finally:
        cached.lock.release()


def load(version: int, path: str, part: str = "model") -> Live:
    """Read a version's files. `part`: "model" for what is served, "measured" for its state before the last update.

    Raises OSError or ValueError where they cannot be read, whatever is wrong with them.
    """
    folder = models_dir() / path
    try:
        return Live(version, registry.load(folder / part), read_items(folder), read_features(folder), folder)
    except (OSError, ValueError):
        raise
    except Exception as error:  # each kind of file has a reader with exceptions of its own
        raise ValueError(f"The files of version {version} cannot be read: {type(error).__name__}: {error}") from error


def read_items(folder: Path) -> Items:
    """Items as `write_items` left them; mapped and not read, so that processes of one machine share the pages.

    The mapping is copied where it is written to, and never written back.
    """
    found = {name: folder / "items" / f"{name}.npy" for name in ARRAYS}
    arrays = {name: np.load(file, mmap_mode="c", allow_pickle=False) for name, file in found.items() if file.exists()}
    # The keys are looked up one by one, which is slow in a mapped array.
    return Items(**{**arrays, "keys": np.array(arrays["keys"])})


def write_items(folder: Path, items: Items) -> None:
    (folder / "items").mkdir(parents=True, exist_ok=True)
    for name in ARRAYS:
        if (array := getattr(items, name)) is not None:
            np.save(folder / "items" / f"{name}.npy", array, allow_pickle=False)


def read_features(folder: Path) -> Features:
    return Features(**json.loads((folder / "features.json").read_text()))


def write_features(folder: Path, features: Features) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "features.json").write_text(json.dumps(features.__dict__))


def models_dir(shop_id: int | None = None) -> Path:
    """The folder of a shop's trained models, the current one's without an id."""
    return Path(settings.MODELS_DIR) / shop_folder(shop_id)


def _key(path: str) -> str:
    return f"{models_dir()}/{path}"


def _folder_is(path: str) -> bool:
    return path.startswith(f"{models_dir()}/")


def _one_thread() -> None:
    """A request's one short forward pass gains nothing from threads, and they would take the cores from the others."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
