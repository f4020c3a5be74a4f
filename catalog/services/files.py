"""Removing the files of pictures, only after the rows are gone for good."""

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from catalog.models import Picture

logger = logging.getLogger(__name__)

YOUNG = timedelta(minutes=10)
Files = dict[str, set[str]]  # SHA-256 of a picture -> names of its original and thumbnails


def delete_files_after_commit(pictures: Iterable[Picture]) -> None:
    """Delete the pictures' files when the transaction has committed: a rollback must not leave rows without files."""
    files: Files = {}
    for picture in pictures:
        names = {name for name in (picture.file.name, *picture.thumbnails.values()) if name}
        files.setdefault(picture.sha256, set()).update(names)
    if files:
        transaction.on_commit(partial(delete_unused_files, files))


def delete_unused_files(files: Files) -> int:
    """Delete the files whose picture no row shows any more, and return how many. Products may share a picture.

    Young files stay for `catalog.pictures.tidy`: another process may have written one for a row that it is about to
    commit.
    """
    limit = timezone.now() - YOUNG
    used = set(Picture.objects.filter(sha256__in=files).values_list("sha256", flat=True))
    deleted = 0
    for name in (name for sha256, names in files.items() if sha256 not in used for name in names):
        try:
            if default_storage.get_modified_time(name) < limit:
                default_storage.delete(name)
                deleted += 1
        except FileNotFoundError:
            continue
        except OSError as error:  # the rows are gone; a file left over is no reason to fail the request
            logger.warning("The file %s could not be deleted: %s", name, error)
    return deleted
