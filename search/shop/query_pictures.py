"""Pictures that shoppers search with: a small copy, kept for a day.

The address of a result page must work in any web process, for every page of results and after a reload, so the copy
lies in the shared media storage rather than in a process or a session. Its token is the day and a hash of the copy:
unguessable without having the picture, and the day tells every process when it has expired with no table to look in.
"""

import hashlib
import io
import re
from datetime import date, timedelta

from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from catalog.per_shop import folder
from catalog.pictures import verify, write_atomically
from catalog.verification import to_rgb

FOLDER = "query-pictures"
SIDE = 512  # pixels of the longer side: encoders look at 224 to 384
DAYS = 1  # a picture lives until the end of the day after the one it came on
_TOKEN = re.compile(r"(\d{4}-\d{2}-\d{2})-([0-9a-f]{32})")


class PictureGoneError(Exception):
    """The token names no picture, or one that has expired."""


def keep(data: bytes) -> str:
    """Verify an uploaded picture, keep a small copy without its metadata, and return the token that finds it again.

    Raises catalog.pictures.PictureError, whose text may be shown to the shopper.
    """
    with Image.open(io.BytesIO(verify(data).data)) as image:
        small = image.convert("RGBA" if image.has_transparency_data else "RGB")
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=90)
    today = timezone.localdate()
    token = f"{today.isoformat()}-{hashlib.sha256(out.getvalue()).hexdigest()[:32]}"
    write_atomically(default_storage, _path(token), out.getvalue())
    drop_expired(today)
    return token


def load(token: str) -> bytes:
    """Return the kept copy as WebP. Raises PictureGoneError."""
    try:
        if not _expired(date.fromisoformat(_match(token)[1]), timezone.localdate()):
            with default_storage.open(_path(token)) as file:
                return bytes(file.read())
    except (FileNotFoundError, ValueError):
        pass
    raise PictureGoneError(token)


def open_picture(token: str) -> Image.Image:
    """Return the kept copy as encoders see pictures: RGB, on white where transparent. Raises PictureGoneError."""
    with Image.open(io.BytesIO(load(token))) as image:
        return to_rgb(image)


def _match(token: str) -> re.Match[str]:
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise PictureGoneError(token)
    return found


def _folder() -> str:
    return f"{folder()}{FOLDER}"


def _path(token: str) -> str:
    day, name = _match(token).groups()
    return f"{_folder()}/{day}/{name}.webp"


def _expired(day: date, today: date) -> bool:
    return day < today - timedelta(days=DAYS)


def drop_expired(today: date | None = None) -> int:
    """Remove the folders of days gone by; return how many. Few days are ever there, so looking costs one listing."""
    today, gone = today or timezone.localdate(), 0
    try:
        folders = default_storage.listdir(_folder())[0]
    except FileNotFoundError:
        return 0  # nobody searched with a picture yet
    for name in folders:
        try:
            expired = _expired(date.fromisoformat(name), today)
        except ValueError:
            continue
        if expired:
            for file in default_storage.listdir(f"{_folder()}/{name}")[1]:
                default_storage.delete(f"{_folder()}/{name}/{file}")
            default_storage.delete(f"{_folder()}/{name}")
            gone += 1
    return gone
