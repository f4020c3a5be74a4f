"""What is planted, read from habits.toml and matched with the products that the shop really has."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from catalog.models import Category
from catalog.selectors import published_products

FILE = Path(__file__).with_name("habits.toml")


@dataclass(frozen=True)
class Ware:
    """A product as a shopper sees it. `name` is the title without the colour, which products of one family share."""

    pk: int
    name: str
    path: tuple[str, ...]  # names of its categories from the department down
    colours: frozenset[str]
    brand: int | None
    price: Decimal
    released: date | None

    def is_out(self, day: date) -> bool:
        return self.released is None or self.released <= day


@dataclass(frozen=True)
class Interest:
    name: str
    wares: tuple[Ware, ...]


@dataclass(frozen=True)
class Habit:
    """Who takes one of `when` takes some of `then`: in the same basket if `days` is 0, else at most `days` later."""

    name: str
    when: tuple[tuple[Ware, ...], ...]  # families
    then: tuple[tuple[Ware, ...], ...]
    days: int


@dataclass(frozen=True)
class Trend:
    families: tuple[tuple[Ware, ...], ...]
    share: float  # of all shoppers
    days: int


@dataclass(frozen=True)
class Account:
    name: str
    about: str
    interests: tuple[Interest, ...]
    habits: tuple[Habit, ...]


@dataclass(frozen=True)
class Habits:
    """All that can be planted in this shop: what names no product here is left out."""

    wares: tuple[Ware, ...]
    interests: tuple[Interest, ...]
    habits: tuple[Habit, ...]
    trend: Trend
    accounts: tuple[Account, ...]

    @cached_property
    def by_pk(self) -> Mapping[int, Ware]:
        return {ware.pk: ware for ware in self.wares}


def read(file: Path = FILE) -> Habits:
    """Match the file with the published products of the shop."""
    wares = _wares()
    families: dict[str, list[Ware]] = {}
    for ware in wares:
        families.setdefault(ware.name, []).append(ware)
    told = tomllib.loads(file.read_text(encoding="utf-8"))

    def known(titles: Iterable[str]) -> tuple[tuple[Ware, ...], ...]:
        return tuple(tuple(families[title]) for title in titles if title in families)

    interests = [Interest(each["name"], _below(each["categories"], wares)) for each in told["interest"]]
    habits = [Habit(each["name"], known(each["when"]), known(each["then"]), each["days"]) for each in told["habit"]]
    usable = {habit.name: habit for habit in habits if habit.when and habit.then}
    stocked = {interest.name: interest for interest in interests if interest.wares}
    return Habits(
        wares=tuple(wares),
        interests=tuple(stocked.values()),
        habits=tuple(usable.values()),
        trend=Trend(known(told["trend"]["titles"]), told["trend"]["share"], told["trend"]["days"]),
        accounts=tuple(
            Account(
                name=each["name"],
                about=each["about"],
                interests=tuple(stocked[name] for name in each["interests"] if name in stocked),
                habits=tuple(usable[name] for name in each["habits"] if name in usable),
            )
            for each in told["account"]
        ),
    )


def _wares() -> list[Ware]:
    names = dict(Category.objects.values_list("path", "name"))
    step = Category.steplen
    fields = ("pk", "title", "category__path", "attributes", "brand", "price", "released")
    wares = []
    # By sku, so that the same shop gives the same histories whatever order it was filled in.
    for pk, title, path, attributes, brand, price, released in (
        published_products().order_by("sku").values_list(*fields)
    ):
        colours = _colours(attributes)
        family, _, last = title.rpartition(", ")
        wares.append(
            Ware(
                pk=pk,
                name=family if last in colours else title,
                path=tuple(names[path[:end]] for end in range(step, len(path or "") + 1, step)),
                colours=colours,
                brand=brand,
                price=price or Decimal(0),
                released=released,
            )
        )
    return wares


def _colours(attributes: object) -> frozenset[str]:
    value = attributes.get("colour") if isinstance(attributes, dict) else None
    return frozenset([value] if isinstance(value, str) else value if isinstance(value, list) else [])


def _below(categories: Iterable[str], wares: Iterable[Ware]) -> tuple[Ware, ...]:
    roots = [tuple(category.split(" > ")) for category in categories]
    return tuple(ware for ware in wares if any(ware.path[: len(root)] == root for root in roots))
