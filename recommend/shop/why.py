"""The parts that made a recommendation, in words: what "Why this?" opens."""

from dataclasses import dataclass
from typing import Any

from recommend.surfaces import Recommendation


@dataclass(frozen=True)
class Part:
    label: str
    text: str


def parts_of(hit: Recommendation) -> list[Part]:
    """Each part with a name that people know; a number stays a number, for it is what was computed."""
    return [Part(_name(name), text) for name, value in hit.why.items() if (text := _words(value))]


def _name(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, dict):
        return ", ".join(f"{_name(str(name)).lower()} {_words(each)}" for name, each in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_words(each) for each in value)
    return "" if value is None else str(value)
