"""Files that are either wholly old or wholly new, whenever the power goes."""

import os
from pathlib import Path
from typing import Any

import orjson


def write_json(path: Path, value: Any, mode: int = 0o600) -> None:
    """Replace `path` by `value` as JSON: written beside it, synced, renamed over it, directory synced."""
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(descriptor, orjson.dumps(value, option=orjson.OPT_INDENT_2))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    beside.replace(path)
    sync_directory(path.parent)


def rename(source: Path, target: Path) -> None:
    source.rename(target)
    sync_directory(target.parent)


def sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
