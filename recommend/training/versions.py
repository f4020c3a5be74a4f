"""Versions of the trained model: put one live, go back to the one before, drop what nobody can go back to."""

import shutil
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from recommend.training import behaviour
from recommend.training import live as loading
from recommend.training.models import ModelVersion, TrainingRun

Points = ModelVersion.Points
WORKSHOPS = "training"  # folder below MODELS_DIR
IN_STEP = (Points.FILLING, Points.LEVEL)  # what the companion writes to


def nobody_looks(done: int, total: int) -> None:
    """For callers that show no progress."""


class VersionError(Exception):
    """A version cannot be put live; the message says why, for the person who asked."""


def folder_of(version: ModelVersion) -> Path:
    return loading.models_dir(version.shop_id) / version.path


def has_files(version: ModelVersion) -> bool:
    return (folder_of(version) / "model").is_dir()


def publish(version: ModelVersion, progress: Callable[[int, int], None] = nobody_looks) -> None:
    """Fill the version's collection while the one before is served, then put both live at one moment.

    May be repeated after a kill at any point. Raises VersionError without the version's files.
    """
    model = _load(version)
    if model.vectors is not None:
        _mark(version, Points.FILLING)
        behaviour.bring_level(model, progress)
        behaviour.move_alias(version.pk)
    else:
        behaviour.remove_alias()
    _go_live(version, Points.LEVEL if model.vectors is not None else Points.NONE, published_at=timezone.now())
    retire()


def before(version: ModelVersion) -> ModelVersion | None:
    """The version that was published before this one and can still be gone back to."""
    if version.published_at is None:
        return None
    earlier = ModelVersion.objects.filter(published_at__lt=version.published_at).order_by("-published_at")
    return next((each for each in earlier if can_go_back_to(each)), None)


def can_go_back_to(version: ModelVersion) -> bool:
    """Whether it was published once, is not live, and its files and points are still there."""
    return bool(version.published_at) and not version.live and has_files(version)


def go_back_to(version: ModelVersion) -> None:
    """Put a version live that was live before. At once: its points are kept, and are brought level afterwards.

    Stock and prices of points that are behind are old until then; surfaces look at the database before they show
    anything. The version keeps its date, so that going back twice goes back two steps. Raises VersionError.
    """
    if not can_go_back_to(version):
        raise VersionError(f"Version {version.pk} is live already, was never published, or its files are gone.")
    model = _load(version)
    state = Points.NONE
    if model.vectors is not None:
        if not behaviour.exists(version.pk):
            raise VersionError(
                f"The item vectors of version {version.pk} are gone. Publish it instead: that fills them."
            )
        _mark(version, Points.FILLING)  # takes writes from now on
        behaviour.move_alias(version.pk)
        state = Points.FILLING
    else:
        behaviour.remove_alias()
    _go_live(version, state, published_at=version.published_at)


def level_live() -> int:
    """Bring the live model's points level where they may not be: after going back, or when the store was lost.

    Returns how many points were written or removed.
    """
    version = ModelVersion.objects.filter(live=True).first()
    if version is None or version.points == Points.NONE:
        return 0
    if version.points == Points.LEVEL and behaviour.alias_target() == behaviour.collection_of(version.pk):
        return 0  # as nearly always; not even the model has to be loaded for it
    model = loading.live()
    if model is None or model.version != version.pk:
        return 0  # another one went live this second
    changed = behaviour.bring_level(model)
    if behaviour.alias_target() != behaviour.collection_of(version.pk):
        behaviour.move_alias(version.pk)
    ModelVersion.objects.filter(pk=version.pk, live=True, points=Points.FILLING).update(points=Points.LEVEL)
    return changed


def retire() -> list[int]:
    """Drop files and points of all but the newest MODELS_KEPT published versions, and of what was kept back since.

    Their rows stay, with their figures. Returns the versions that lost something.
    """
    published = ModelVersion.objects.exclude(published_at=None).order_by("-live", "-published_at")
    kept = set(published.values_list("pk", flat=True)[: settings.MODELS_KEPT])
    unpublished = ModelVersion.objects.filter(published_at=None).order_by("-pk")
    kept |= set(unpublished.values_list("pk", flat=True)[:1])
    kept |= set(TrainingRun.objects.active().exclude(version=None).values_list("version", flat=True))
    dropped = []
    for version in ModelVersion.objects.exclude(pk__in=kept):
        if not folder_of(version).exists() and version.points == Points.NONE:
            continue
        if version.points != Points.NONE:
            behaviour.drop(version.pk)
            _mark(version, Points.NONE)
        shutil.rmtree(folder_of(version), ignore_errors=True)
        dropped.append(version.pk)
    return dropped


def clear_workshops() -> None:
    """Remove what runs that ended, in whatever way, have left on the disk."""
    active = {workshop_of(run).name for run in TrainingRun.objects.active()}
    for folder in (loading.models_dir() / WORKSHOPS).glob("*"):
        if folder.name not in active:
            shutil.rmtree(folder, ignore_errors=True)


def workshop_of(run: TrainingRun) -> Path:
    """Where a run keeps what it has so far. Named by time too: an emptied database counts its rows from 1 again."""
    return loading.models_dir() / WORKSHOPS / f"{run.created_at:%Y%m%dT%H%M%S%f}-{run.pk}"


def _load(version: ModelVersion) -> loading.Live:
    try:
        return loading.load(version.pk, version.path)
    except (OSError, ValueError, KeyError) as error:
        raise VersionError(f"The files of version {version.pk} cannot be read: {error}") from error


def _mark(version: ModelVersion, points: str) -> None:
    version.points = points
    version.save(update_fields=["points"])


@transaction.atomic
def _go_live(version: ModelVersion, points: str, published_at: object) -> None:
    others = ModelVersion.objects.select_for_update().exclude(pk=version.pk)
    others.filter(live=True).update(live=False)
    others.filter(points__in=IN_STEP).update(points=Points.BEHIND)
    ModelVersion.objects.filter(pk=version.pk).update(live=True, points=points, published_at=published_at)
    version.refresh_from_db()
    transaction.on_commit(loading.forget)
