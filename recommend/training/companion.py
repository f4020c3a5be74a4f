"""Keeps the behaviour vectors in step with the catalogue: the search's index calls it after each batch that it wrote.

See `search.index.companions`. Whatever is raised here lets the batch's outbox entries come again.
"""

import logging
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from catalog.per_shop import PerShop
from recommend.training import behaviour
from recommend.training import live as loading
from recommend.training.live import Live
from recommend.training.models import ModelVersion
from search.documents import Description
from search.index.companions import Standing
from search.index.errors import VectorStoreError

log = logging.getLogger(__name__)

Points = ModelVersion.Points
_filling: PerShop[dict[str, Live]] = PerShop(dict)  # versions that are being filled beside the live one, by path


def follow(upserted: Sequence[Description], deleted: Collection[int]) -> None:
    """Bring the points of these products level, in the collection of the live model and in one that is being filled."""
    with _threads_kept():
        for model in _followed():
            try:
                behaviour.write(model, upserted)
                behaviour.remove(model, deleted)
            except VectorStoreError as error:
                if error.status != behaviour.GONE:
                    raise
                behaviour.bring_level(model)  # the store was lost with its collections
                if behaviour.alias_target() is None:
                    behaviour.move_alias(model.version)


def compare() -> Standing | None:
    """How the live model's points stand to the database."""
    return behaviour.compare_live()


def repair() -> None:
    """Bring the live model's points level, whatever they are said to be."""
    model = loading.live()
    if model is not None and model.vectors is not None:
        behaviour.bring_level(model)
        if behaviour.alias_target() != behaviour.collection_of(model.version):
            behaviour.move_alias(model.version)


def _followed() -> Iterator[Live]:
    followed = ModelVersion.objects.filter(points__in=(Points.FILLING, Points.LEVEL))
    rows = list(followed.values_list("pk", "path", "live"))
    filling = _filling.here
    for path in set(filling) - {path for _, path, is_live in rows if not is_live}:
        del filling[path]  # live by now, or given up
    for version, path, is_live in rows:
        model = _live() if is_live else None
        if model is None or model.version != version:
            if path not in filling:
                try:
                    filling[path] = loading.load(version, path)
                except (OSError, ValueError):
                    # No product has to wait for that. Once they can be read, `versions.level_live` makes up for it.
                    log.exception("The files of version %s cannot be read", version)
                    ModelVersion.objects.filter(pk=version).update(points=Points.FILLING)
                    continue
            model = filling[path]
        if model.vectors is not None:
            yield model


def _live() -> Live | None:
    try:
        return loading.live()
    except (OSError, ValueError):
        return None


@contextmanager
def _threads_kept() -> Iterator[None]:
    """The process's own work is encoding, with as many threads of torch as it was given."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    yield
    if torch:
        torch.set_num_threads(before)
