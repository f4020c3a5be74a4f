"""Versions of learned rankings: which is live, putting one live, going back."""

import logging
from dataclasses import dataclass
from typing import Any, Literal

from django.db import transaction
from django.utils import timezone

from search.models import RankingVersion
from search.models.revision import bumps
from search.query.fusion import Fusion
from search.ranking.features import NAMES
from search.ranking.fusion_weights import fusion_from
from search.ranking.ranker import Ranker, RankerError, ranker_from
from search.remembered import Remembered

log = logging.getLogger(__name__)

REVISION = "ranking"
bumps(REVISION, RankingVersion)
Kind = Literal["fusion", "ranker"]


class VersionError(Exception):
    """A version cannot be put live; the message says why, for the person who asked."""


@dataclass(frozen=True)
class Live:
    """What is served now. None: as it ships."""

    fusion: Fusion | None = None
    ranker: Ranker | None = None
    ranker_version: int | None = None


def live() -> Live:
    """What is live, a few seconds old at most. A version that cannot be read counts as none, and is logged once."""
    return _live.get()


def ranker_of(version: int) -> Ranker | None:
    """The ranker of one version, for comparisons; None where there is none that can be read."""
    return _rankers.get().get(version) or _load_ranker(version)


def publish(version: RankingVersion) -> None:
    """Put a version live in place of the one of its kind. Raises VersionError for one that cannot be read."""
    _check(version)
    _go_live(version, timezone.now())


def before(kind: Kind) -> RankingVersion | None:
    """The version that was live before the one that is, and whose turn it would be after going back."""
    now = RankingVersion.objects.filter(kind=kind, live=True).first()
    if now is None or now.published_at is None:
        return None
    earlier = RankingVersion.objects.filter(kind=kind, published_at__lt=now.published_at)
    return earlier.order_by("-published_at").first()


def roll_back(kind: Kind) -> RankingVersion | None:
    """Go back to the version before; without one, to the search as it ships. Returns what is live then.

    It keeps its date, so that going back twice goes back two steps. Raises VersionError.
    """
    earlier = before(kind)
    if earlier is None:
        switch_off(kind)
        return None
    _check(earlier)
    _go_live(earlier, earlier.published_at)
    return earlier


def switch_off(kind: Kind) -> None:
    """No version of this kind is live any more."""
    for version in RankingVersion.objects.filter(kind=kind, live=True):
        version.live = False
        version.save(update_fields=["live"])


@transaction.atomic
def _go_live(version: RankingVersion, at: Any) -> None:
    for other in RankingVersion.objects.select_for_update().filter(kind=version.kind, live=True).exclude(pk=version.pk):
        other.live = False
        other.save(update_fields=["live"])
    version.live, version.published_at = True, at
    version.save(update_fields=["live", "published_at"])
    transaction.on_commit(_live.look_again)


def _check(version: RankingVersion) -> None:
    try:
        _read(version)
    except ValueError as error:
        raise VersionError(f"Version {version.pk} cannot be served: {error}") from error


def _read(version: RankingVersion) -> Fusion | Ranker:
    """Raises ValueError."""
    if version.kind == RankingVersion.Kind.FUSION:
        return fusion_from(version.weights)
    if tuple(version.features) != NAMES:
        raise RankerError("it was trained with other features than are computed now. Train it anew.")
    return ranker_from(version.model, version.weights.get("prior"))


def _load() -> Live:
    found: dict[str, Any] = {}
    for version in RankingVersion.objects.filter(live=True):
        try:
            found[version.kind] = _read(version)
        except ValueError as error:
            log.error("%s is live but cannot be served: %s", version, error)
            continue
        if version.kind == RankingVersion.Kind.RANKER:
            found["ranker_version"] = version.pk
    return Live(**found)


def _load_ranker(number: int) -> Ranker | None:
    version = RankingVersion.objects.filter(pk=number, kind=RankingVersion.Kind.RANKER).first()
    try:
        read = _read(version) if version else None
    except ValueError as error:
        log.error("%s cannot be served: %s", version, error)
        return None
    if not isinstance(read, Ranker):
        return None
    kept = _rankers.get()
    if len(kept) >= 4:
        kept.clear()
    kept[number] = read
    return read


_live: Remembered[Live] = Remembered(REVISION, _load)
_rankers: Remembered[dict[int, Ranker]] = Remembered(REVISION, dict)
