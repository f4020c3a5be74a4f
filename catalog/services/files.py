"""Removing the files of pictures, only after the rows are gone for good."""

import logging
from collections.abc import Iterable
from functools import partial

from django.core.files.storage import default_storage
from django.db import transaction

from catalog.models import Picture

logger = logging.getLogger(__name__)


def files_of(pictures: Iterable[Picture]) -> list[str]:
    """Return the storage names of the originals and of their thumbnails."""
    names: list[str] = []
    for picture in pictures:
        names += [name for name in (picture.file.name, *picture.thumbnails.values()) if name]
    return names


def delete_files_after_commit(names: Iterable[str]) -> None:
    """Delete them when the transaction has committed: a rollback must not leave rows without their files."""
    wanted = list(names)
    if wanted:
        transaction.on_commit(partial(delete_unused_files, wanted))


def delete_unused_files(names: Iterable[str]) -> int:
    """Delete the files that no picture refers to any more, and return how many. Two products may share a picture."""
    deleted = 0
    for name in dict.fromkeys(names):
        if Picture.objects.filter(file=name).exists() or _is_thumbnail(name):
            continue
        try:
            default_storage.delete(name)
            deleted += 1
        except OSError as error:  # the rows are gone; a file left over is no reason to fail the request
            logger.warning("The file %s could not be deleted: %s", name, error)
    return deleted


def _is_thumbnail(name: str) -> bool:
    stem = name.rsplit("/", 1)[-1].split(".")[0].split("-")[0]
    return any(name in picture.thumbnails.values() for picture in Picture.objects.filter(sha256__startswith=stem)[:20])
