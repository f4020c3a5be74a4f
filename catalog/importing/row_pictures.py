"""Loads the pictures that rows name: files below the catalogue's folder, and addresses through the guard.

A picture is verified and its file written before the row that shows it; only sizes and hashes stay in memory. Decoding
takes at most two threads, so that an import leaves processors to the shop that it fills.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Semaphore

from django.conf import settings

from catalog.fetch import Fetcher, FetchError
from catalog.importing.rows import PictureRef
from catalog.per_shop import ShopThreads
from catalog.pictures import store
from catalog.verification import PictureError, VerifiedPicture, verify

DECODERS = 2
FETCHERS = 8
_WINDOW = 16  # pictures whose bytes are in memory at a time
_REMEMBERED = 2000  # verified pictures, so that products that share one do not decode it again

Loaded = VerifiedPicture | PictureError | FetchError


class RowPictures:
    """The pictures of one import. ``root`` is the folder that file names are relative to; None allows no files."""

    def __init__(self, root: Path | None, fetcher: Fetcher | None) -> None:
        self._root = root.resolve() if root else None
        self._fetcher = fetcher
        self._decoding = Semaphore(DECODERS)
        self._pool = ShopThreads(FETCHERS, thread_name_prefix="pictures")
        self._known: OrderedDict[str, VerifiedPicture] = OrderedDict()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def signature(self, ref: PictureRef) -> str:
        """Return what stands for a picture's content in the hash of its row, without decoding it.

        An address stands for itself: fetching every picture to learn that none has changed would take hours.
        Raises `PictureError` for a file that is not there or may not be read.
        """
        return ref.location if ref.is_address else hashlib.sha256(self._read(ref)).hexdigest()

    def load(self, refs: Iterable[PictureRef], *, keep: bool = True) -> dict[PictureRef, Loaded]:
        """Return each picture verified and, with ``keep``, stored (its bytes are dropped then); or why it is not."""
        loaded: dict[PictureRef, Loaded] = {}
        for window in _windows(dict.fromkeys(refs), _WINDOW):
            running = {ref: self._pool.submit(self._verified, ref) for ref in window}
            for ref, future in running.items():
                loaded[ref] = self._outcome(future, keep)
        return loaded

    def _outcome(self, future: "Future[tuple[str, VerifiedPicture]]", keep: bool) -> Loaded:
        try:
            key, picture = future.result()
        except (PictureError, FetchError) as error:
            return error
        if keep and picture.data:
            # Here and not in the thread: the database connection belongs to this one.
            store(picture)
        self._known[key] = picture = replace(picture, data=b"")
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return picture

    def _verified(self, ref: PictureRef) -> tuple[str, VerifiedPicture]:
        data = self._fetched(ref) if ref.is_address else self._read(ref)
        key = hashlib.sha256(data).hexdigest()
        if known := self._known.get(key):
            return key, known
        with self._decoding:
            return key, verify(data)

    def _fetched(self, ref: PictureRef) -> bytes:
        if self._fetcher is None:
            raise FetchError("pictures are not fetched by address in this import", permanent=False)
        return self._fetcher.fetch(ref.location)

    def _read(self, ref: PictureRef) -> bytes:
        if self._root is None:
            raise PictureError("Files can only be named in an import from a folder; name an address.")
        try:
            path = (self._root / ref.location).resolve()
            if not path.is_relative_to(self._root):
                raise PictureError("The file is outside the catalogue's folder.")
            if not path.is_file():
                raise PictureError("There is no such file.")
            size = path.stat().st_size
            if size > settings.PICTURE_MAX_BYTES:
                raise PictureError(f"The file has {size:,} bytes; at most {settings.PICTURE_MAX_BYTES:,} are allowed.")
            return path.read_bytes()
        except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError
            raise PictureError(f"The file cannot be read ({type(error).__name__}).") from error


def _windows(refs: Iterable[PictureRef], size: int) -> Iterator[list[PictureRef]]:
    items = list(refs)
    yield from (items[start : start + size] for start in range(0, len(items), size))
