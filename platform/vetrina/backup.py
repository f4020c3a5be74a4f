"""One archive of all that cannot be made anew: the database, the pictures and files beside it, and the trained models.

The vectors are in it too, because the database holds each of them by the hash of its content (`search.Embedding`) and
each model holds those of its items. What the vector store itself holds is derived from both, and filled from them on
restoring; copying it besides could only disagree.

The database is copied first, as of one moment. Files that its rows name are written before the rows and deleted long
after them, so that those copied later are at least the ones it names.

An archive is a tar: `manifest.json`, `database`, `media/…`, `models/…`. It holds personal data and password hashes, but
no secret of the environment.
"""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

FORMAT = 1
TEMPORARY = {"query-pictures"}  # folders of the storage that nobody misses: pictures that shoppers searched with

Progress = Callable[[str], None]


class BackupError(Exception):
    """An archive that cannot be written or restored; the message is a sentence for the operator."""


@dataclass(frozen=True)
class Manifest:
    """What an archive holds, to be compared with what was restored."""

    format: int
    written_at: str  # ISO 8601
    vendor: str  # "sqlite" or "postgresql": a dump goes back into the engine that it came from
    database_sha256: str
    migrations: dict[str, str]  # app -> its last migration
    rows: dict[str, int]  # table -> rows
    files: int = 0


def write(archive: Path, progress: Progress) -> Manifest:
    """Write everything into a new `archive`, which appears under its name only when it is complete and on disk."""
    if archive.exists():
        raise BackupError(f"{archive} exists already; an archive is never overwritten.")
    part = archive.with_name(f"{archive.name}.part")
    try:
        with tempfile.TemporaryDirectory(prefix="vetrina-backup-", dir=archive.parent) as folder:
            progress("Copying the database")
            dump = Path(folder) / "database"
            rows = _dump(dump)
            files = [*_stored_files(), *_model_files()]
            manifest = Manifest(
                format=FORMAT,
                written_at=timezone.now().isoformat(timespec="seconds"),
                vendor=connection.vendor,
                database_sha256=_sha256(dump),
                migrations=_migrations(),
                rows=rows,
                files=len(files),
            )
            part.unlink(missing_ok=True)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # for nobody else's eyes
            with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w|") as tar:
                _add_bytes(tar, "manifest.json", json.dumps(asdict(manifest), indent=2).encode())
                tar.add(dump, "database")
                progress(f"Copying {len(files):,} files")
                for name, open_file in files:
                    _add_file(tar, name, open_file)
                tar.close()
                raw.flush()
                os.fsync(raw.fileno())
            part.rename(archive)
    except OSError as error:
        raise BackupError(f"The archive could not be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


def restore(archive: Path, progress: Progress) -> Manifest:
    """Bring an empty installation to the state in `archive`. The caller then fills the vector store.

    Raises BackupError, before anything is touched, where the installation is not empty or the archive is damaged, from
    another engine, or from a newer version.
    """
    if connection.introspection.table_names():
        raise BackupError("The database is not empty: an archive is restored onto a fresh installation only.")
    try:
        with tarfile.open(archive) as tar, tempfile.TemporaryDirectory(prefix="vetrina-restore-") as folder:
            members = iter(tar)
            manifest = _manifest(tar, next(members, None))
            dump = Path(folder) / "database"
            _extract(tar, next(members, None), "database", dump)
            if _sha256(dump) != manifest.database_sha256:
                raise BackupError("The archive is damaged: its database is not what was written.")
            progress(f"Restoring {manifest.files:,} files")
            restored = sum(_restore_file(tar, member) for member in members)
            if restored != manifest.files:
                raise BackupError(f"The archive is damaged: {restored:,} of {manifest.files:,} files are in it.")
            # Last, because a shop is there when its database is: a restore that was cut off can be begun anew.
            progress("Restoring the database")
            _load(dump)
    except (OSError, tarfile.TarError) as error:
        raise BackupError(f"The archive cannot be restored: {error}") from error
    counted = _rows()
    if wrong := {name: (n, counted.get(name)) for name, n in manifest.rows.items() if counted.get(name) != n}:
        raise BackupError(f"Rows differ from the archive's (table: archived, restored): {wrong}")
    return manifest


def _dump(path: Path) -> dict[str, int]:
    """Copy the database as of one moment, and count the rows of the copy."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(path)) as copy:
            connection.connection.backup(copy)
            # Names of our own tables.
            return {name: copy.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in _tables()}  # noqa: S608
    # One exported snapshot for both, so that the counts are those of the dump.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = cursor.fetchone()
            _run("pg_dump", "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={path}")
            return _rows()
        finally:
            cursor.execute("ROLLBACK")


def _load(dump: Path) -> None:
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(dump)) as copy:
            if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise BackupError("The archive's database does not pass SQLite's integrity check.")
            connection.ensure_connection()
            copy.backup(connection.connection)
    else:
        _run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={_name()}", str(dump))


def _run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs, with the password where other users of the machine cannot read it."""
    if not (path := shutil.which(program)):
        raise BackupError(f"{program} is not installed here; it comes with PostgreSQL's client programs.")
    given = connection.settings_dict
    environment = os.environ | {
        name: str(given[key])
        for name, key in {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}.items()
        if given[key]
    }
    done = subprocess.run(
        [path, *arguments], env=environment | {"PGDATABASE": _name()}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-500:]}")


def _name() -> str:
    return str(connection.settings_dict["NAME"])


def _tables() -> list[str]:
    """Every table of the applications; partitions are counted by the table that they belong to."""
    known = set(connection.introspection.table_names())
    return sorted({model._meta.db_table for model in apps.get_models(include_auto_created=True)} & known)


def _rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        counts = {}
        for name in _tables():
            cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(name)}")  # noqa: S608 - own names
            counts[name] = cursor.fetchone()[0]
    return counts


def _migrations() -> dict[str, str]:
    applied: dict[str, str] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        applied[app] = name
    return applied


Opener = Callable[[], Any]


def _stored_files() -> Iterator[tuple[str, Opener]]:
    for name in _walk(""):
        yield f"media/{name}", partial(default_storage.open, name, "rb")


def _walk(folder: str) -> Iterator[str]:
    if PurePosixPath(folder).name in TEMPORARY or (folder and not default_storage.exists(folder)):
        return
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return  # nothing was uploaded yet
    yield from (f"{folder}/{name}" if folder else name for name in sorted(files))
    for name in sorted(folders):
        yield from _walk(f"{folder}/{name}" if folder else name)


def _model_files() -> Iterator[tuple[str, Opener]]:
    root = Path(settings.MODELS_DIR)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield f"models/{path.relative_to(root).as_posix()}", partial(path.open, "rb")


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _add_file(tar: tarfile.TarFile, name: str, open_file: Opener) -> None:
    """One file as it is when it is read: a size that was asked before could be another file's by then."""
    with open_file() as file:
        _add_bytes(tar, name, file.read())


def _manifest(tar: tarfile.TarFile, member: tarfile.TarInfo | None) -> Manifest:
    file = tar.extractfile(member) if member and member.name == "manifest.json" else None
    if file is None:
        raise BackupError("This is no archive of Vetrina: it does not begin with a manifest.")
    try:
        told = json.loads(file.read(1_000_000))
        manifest = Manifest(**told)
    except (ValueError, TypeError) as error:
        raise BackupError(f"The archive's manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise BackupError(f"The archive has format {manifest.format}; this version reads {FORMAT}.")
    if manifest.vendor != connection.vendor:
        raise BackupError(
            f"The archive holds a {manifest.vendor} database, and DATABASE_URL names a {connection.vendor} one."
        )
    return manifest


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo | None, name: str, path: Path) -> None:
    file = tar.extractfile(member) if member and member.name == name else None
    if file is None:
        raise BackupError(f"The archive is damaged: {name} is not where it should be.")
    with path.open("wb") as out:
        shutil.copyfileobj(file, out)


def _restore_file(tar: tarfile.TarFile, member: tarfile.TarInfo) -> int:
    """Write one file to where it was. Names come from a file that anybody may have made, so none leads elsewhere."""
    path = PurePosixPath(member.name)
    root, *inner = path.parts
    file = tar.extractfile(member) if member.isfile() else None
    if file is None or path.is_absolute() or ".." in inner or not inner or root not in ("media", "models"):
        raise BackupError(f"The archive holds {member.name!r}, which no archive of Vetrina has.")
    if root == "media":
        name = "/".join(inner)
        if not default_storage.exists(name):
            default_storage.save(name, File(file))
    else:
        target = Path(settings.MODELS_DIR).joinpath(*inner)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            shutil.copyfileobj(file, out)
    return 1


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
