"""Keys that were erased. What comes with one later, by an old cookie or an app's old session, is somebody new."""

import hashlib
import hmac
import uuid
from collections.abc import Collection, Iterable

from django.conf import settings

from recommend.privacy.models import ErasedKey


def digest(key: uuid.UUID) -> str:
    return hashlib.sha256(key.bytes).hexdigest()


def bury(keys: Iterable[uuid.UUID]) -> None:
    """Note that these were erased; twice is harmless."""
    ErasedKey.objects.bulk_create([ErasedKey(digest=digest(key)) for key in keys], ignore_conflicts=True)


def is_erased(key: uuid.UUID) -> bool:
    return ErasedKey.objects.filter(digest=digest(key)).exists()


def standing_for(keys: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Which key each stands for now: itself, or where it was erased the next one of a chain that nobody can guess.

    For those who are known by a secret or name of their own, which does not change by an erasure. One query for each
    time that the longest chain was erased.
    """
    stands = {key: key for key in keys}
    open_ = set(keys)
    while open_:
        by_digest = {digest(stands[key]): key for key in open_}
        erased = ErasedKey.objects.filter(digest__in=by_digest).values_list("digest", flat=True)
        open_ = {by_digest[each] for each in erased}
        for key in open_:
            stands[key] = _next(stands[key])
    return stands


def _next(key: uuid.UUID) -> uuid.UUID:
    return uuid.UUID(bytes=hmac.digest(settings.SECRET_KEY.encode(), b"recommend.erased:" + key.bytes, "sha256")[:16])
