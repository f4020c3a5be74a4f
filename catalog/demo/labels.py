"""Pictures and their names: joins the two packages by code point."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.demo.assortment import words
from catalog.demo.packages import NAMES, PICTURES, PackageError

ENGLISH = ("en", "en-gb")


@dataclass(frozen=True)
class Labelled:
    """A picture with its English label, code point (hex), keyboard tags and labels in other languages by language."""

    label: str
    code: str
    picture: Path
    tags: tuple[str, ...]
    translations: dict[str, str] = field(default_factory=dict)


def read(packages: Path, wanted: set[str]) -> dict[str, Labelled]:
    """The pictures with these English labels, by label.

    Raises PackageError if the packages are not there or a label has no picture.
    """
    names = packages / NAMES.folder
    pictures = packages / PICTURES.folder / "assets"
    if not names.is_dir() or not pictures.is_dir():
        raise PackageError(f"The packages of the demo shop are not in {packages}; fetch them first.", permanent=True)
    by_language = {path.parent.name: _compact(path) for path in sorted(names.glob("*/compact.json"))}
    english = by_language.pop(ENGLISH[0])
    found = {}
    for code, entry in english.items():
        label = str(entry["label"])
        picture = _picture(pictures, code)
        if label not in wanted or picture is None:
            continue
        translations = {
            language: str(entries[code]["label"])
            for language, entries in by_language.items()
            if language not in ENGLISH and entries.get(code, {}).get("label")
        }
        found[label] = Labelled(
            label, code.replace("-FE0F", "").replace("-200D-", ""), picture, _tags(entry, label), translations
        )
    if missing := sorted(wanted - found.keys()):
        raise PackageError(f"No picture for {len(missing)} items, first {missing[0]!r}.", permanent=True)
    return found


def _compact(path: Path) -> dict[str, dict[str, Any]]:
    return {entry["hexcode"]: entry for entry in json.loads(path.read_text(encoding="utf-8"))}


def _picture(folder: Path, code: str) -> Path | None:
    """The packages disagree on when the variation selector FE0F is written."""
    code = code.lower()
    for name in (code, f"{code}-fe0f", code.replace("-fe0f", "")):
        if (path := folder / f"{name}.webp").is_file():
            return path
    return None


def _tags(entry: dict[str, Any], label: str) -> tuple[str, ...]:
    unwanted = set(words()["tags"]["unwanted"])
    return tuple(
        tag
        for tag in dict.fromkeys(entry.get("tags", ()))
        if len(tag) > 2 and tag.isascii() and tag.replace("-", "").isalpha() and tag != label and tag not in unwanted
    )
