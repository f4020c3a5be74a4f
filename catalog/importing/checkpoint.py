"""What an import remembers about itself outside the database: where it got to, and which skus it has met."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Self


class Checkpoint:
    """How many rows of a file are committed. It holds for the same file, unchanged, imported with the same options."""

    def __init__(self, folder: Path, identity: object) -> None:
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()
        self._path = folder / f"{digest[:32]}.checkpoint"

    def rows_done(self) -> int:
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return 0

    def note(self, rows: int) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(f".{os.getpid()}")
        temporary.write_text(str(rows))
        temporary.replace(self._path)

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)


class SeenSkus:
    """The line on which each sku of a file was first met, on disk: a million rows must not cost a million entries."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # a temporary file of SQLite's own, removed when closed
        self._database.execute("CREATE TABLE seen (sku TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def first_lines(self, rows: Iterable[tuple[str, int]]) -> list[int]:
        """Note each (sku, line) and return the line on which its sku was met first: its own, if that is now."""
        insert = "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO UPDATE SET line = line RETURNING line"
        return [self._database.execute(insert, row).fetchone()[0] for row in rows]
