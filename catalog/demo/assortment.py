"""What the demo shop sells, read from the TOML files beside this module.

- `assortment/*.toml`: departments, their shelves (a category and a kind) and the items on them, by picture label.
- `kinds/*.toml`: how a sort of product is priced, measured, worded, and whether it comes in sizes or colours.
- `brands.toml`, `stores.toml`: invented makers and merchants; `words.toml`: nouns and colours in other languages.
- `offers.toml`: promotions and hand-made collections.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


class AssortmentError(Exception):
    """The demo shop's own files contradict each other; the message names the entry."""


@dataclass(frozen=True)
class Kind:
    """A sort of product.

    `price` is the anchor in EUR and `spread` the sigma of the log-normal around it. An entry of `attributes` is a list
    to choose from, `{low, high, step}` for a number, `{chance}` for yes or no, `{some, count}` for several words;
    numbers carry their unit in the name (`height_cm`). `text` holds sentences: an `opening` and a `detail`. `variants`
    has the attribute that tells them apart, the share of products that have them, and (value, price factor) pairs.
    """

    name: str
    domain: str
    price: float
    spread: float
    attributes: dict[str, Any]
    text: dict[str, list[str]]
    noun: str = ""
    title: str = "{label}"
    colours: bool = False
    variants: dict[str, Any] | None = None


@dataclass(frozen=True)
class Item:
    """One thing on a shelf. `label` is the English name of its picture; `colours`: it may come in other colours too."""

    label: str
    title: str
    category: str
    kind: Kind
    price: float
    colours: bool
    attributes: dict[str, Any]  # these instead of the kind's


@dataclass(frozen=True)
class Brand:
    name: str
    code: str
    domains: tuple[str, ...]
    tier: float
    description: str


@dataclass(frozen=True)
class Store:
    name: str
    domains: tuple[str, ...]
    description: str


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def kinds() -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for path in sorted((HERE / "kinds").glob("*.toml")):
        for name, entry in _toml(path).items():
            if name in found:
                raise AssortmentError(f"kind {name!r} is described twice")
            found[name] = Kind(name=name, **entry)
    return found


@cache
def items() -> tuple[Item, ...]:
    """All items in the order of the files. Raises AssortmentError on an unknown kind or a label used twice."""
    found: dict[str, Item] = {}
    for path in sorted((HERE / "assortment").glob("*.toml")):
        department = _toml(path)
        for shelf in department["shelf"]:
            if shelf["kind"] not in kinds():
                raise AssortmentError(f"shelf {shelf['category']!r} has an unknown kind: {shelf['kind']!r}")
            kind = kinds()[shelf["kind"]]
            for label, entry in shelf["items"].items():
                if label in found:
                    raise AssortmentError(f"{label!r} lies on two shelves")
                entry = {"title": entry} if isinstance(entry, str) else entry
                title = entry.get("title") or kind.title.format(label=label)
                found[label] = Item(
                    label=label,
                    title=title[0].upper() + title[1:],
                    category=f"{department['department']} > {shelf['category']}",
                    kind=kind,
                    price=entry.get("price", kind.price),
                    colours=shelf.get("colours", kind.colours) and not entry.get("plain", False),
                    attributes=entry.get("attributes", {}),
                )
    return tuple(found.values())


@cache
def brands() -> tuple[Brand, ...]:
    return tuple(
        Brand(**{**entry, "domains": tuple(entry["domains"])}) for entry in _toml(HERE / "brands.toml")["brand"]
    )


@cache
def stores() -> tuple[Store, ...]:
    return tuple(
        Store(**{**entry, "domains": tuple(entry["domains"])}) for entry in _toml(HERE / "stores.toml")["store"]
    )


@cache
def words() -> dict[str, Any]:
    """`noun`: what a thing is -> language -> word; `colour`: language -> English colour -> word; `tags`: `unwanted`."""
    return _toml(HERE / "words.toml")


def offers() -> dict[str, list[dict[str, Any]]]:
    """`promotion` and `collection` entries as they stand in offers.toml."""
    return _toml(HERE / "offers.toml")
