"""Draws made-up shoppers: what they like, which habits they follow, and when they visit.

Nothing here knows the database. Each thing has a random generator of its own: one shopper more changes no other.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from recommend.demo.habits import Account, Habit, Habits, Interest, Ware

MONTHS_DAYS = 120  # that visits lie in, more of them lately
BOT_SHARE = 0.002
SECOND_DEVICE_SHARE = 0.15
WITHOUT_CONSENT_SHARE = 0.03
COLOUR_SHARE = 0.5  # of the shoppers have a colour that they prefer

T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """A made-up shopper: what they like, and which habits they follow."""

    name: str
    interests: tuple[Interest, ...] = ()
    colour: str = ""
    brands: frozenset[int] = frozenset()
    habits: tuple[Habit, ...] = ()
    begun: tuple[Habit, ...] = ()  # only begun, so that what they lead to is still to be recommended
    two_devices: bool = False
    consent: bool = True
    bot: bool = False

    @property
    def ahead(self) -> set[str]:
        """Names of what the habits lead to that are only begun."""
        return {ware.name for habit in self.begun for family in habit.then for ware in family}

    def one(self, family: Sequence[Ware], at: datetime, chance: random.Random) -> Ware | None:
        """Choose one colour of a family: the preferred one, or else most often the first. None if none is out yet."""
        out = [ware for ware in family if ware.is_out(at.date())]
        if preferred := [ware for ware in out if self.colour in ware.colours]:
            return chance.choice(preferred)
        return out[min(chance.choice((0, 0, 0, 1, 2)), len(out) - 1)] if out else None


@dataclass(frozen=True)
class Visit:
    """`wanted` is what a visit is made for; `browses`: other things are looked at too; `buys`: it ends in an order."""

    start: datetime
    wanted: tuple[Ware, ...] = ()
    browses: bool = True
    buys: bool = False


@dataclass
class Crowd:
    """All shoppers of one seed, whose histories end at `now`."""

    habits: Habits
    seed: int
    now: datetime
    colours: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.colours = sorted({colour for ware in self.habits.wares for colour in ware.colours})

    def chance(self, what: str) -> random.Random:
        return random.Random(f"{self.seed}/{what}")  # noqa: S311 - a seeded generator is the point

    def person(self, number: int) -> Person:
        chance = self.chance(f"shopper {number}")
        if chance.random() < BOT_SHARE:
            return Person(f"bot {number}", bot=True)
        interests = some(self.habits.interests, chance.choice((1, 1, 1, 1, 2, 2, 2, 3)), chance)
        return Person(
            name=f"shopper {number}",
            interests=interests,
            colour=chance.choice(self.colours) if self.colours and chance.random() < COLOUR_SHARE else "",
            brands=_brands(interests, chance),
            habits=some(self.habits.habits, chance.choice((0, 1, 1, 1, 2)), chance),
            two_devices=chance.random() < SECOND_DEVICE_SHARE,
            consent=chance.random() >= WITHOUT_CONSENT_SHARE,
        )

    def named(self, account: Account) -> Person:
        """The shopper with this account: at the beginning of their habits."""
        return Person(
            name=account.name,
            interests=account.interests,
            brands=_brands(account.interests, self.chance(account.name)),
            begun=account.habits,
            two_devices=True,
        )

    def visits(self, person: Person, chance: random.Random) -> list[Visit]:
        """Return the visits of a person, in order of time."""
        usual = (
            Visit(self._moment(0, chance), buys=chance.random() < 0.35)
            for _ in range(chance.choice((1, 1, 2, 2, 3, 3, 4, 6)))
        )
        followed = (visit for habit in person.habits for visit in self._follow(habit, person, chance))
        return sorted([*usual, *followed, *self._trending(person, chance), *self._begin(person, chance)], key=_start)

    def _follow(self, habit: Habit, person: Person, chance: random.Random) -> Iterator[Visit]:
        start = self._moment(habit.days, chance)
        first = _all(person.one(chance.choice(habit.when), start, chance))
        then = _all(*(person.one(family, start, chance) for family in habit.then if chance.random() < 0.6))
        if habit.days == 0:
            yield Visit(start, first + then, buys=True)
        elif first:
            yield Visit(start, first, buys=chance.random() < 0.6)
            if then:
                yield Visit(start + timedelta(days=0.5 + chance.random() * (habit.days - 0.5)), then, buys=True)

    def _trending(self, person: Person, chance: random.Random) -> Iterator[Visit]:
        trend = self.habits.trend
        if trend.families and not person.begun and chance.random() < trend.share:
            start = self.now - timedelta(days=chance.random() * trend.days)
            wanted = _all(person.one(chance.choice(trend.families), start, chance))
            yield Visit(start, wanted, buys=chance.random() < 0.3)

    def _begin(self, person: Person, chance: random.Random) -> Iterator[Visit]:
        """A named shopper's last visits, the last habit of the file being the newest."""
        for back, habit in enumerate(reversed(person.begun), start=1):
            start = self.now - timedelta(hours=20 * back + chance.random())
            wanted = _all(person.one(habit.when[0], start, chance))
            yield Visit(start, wanted, browses=False)

    def _moment(self, before: float, chance: random.Random) -> datetime:
        """A moment at least `before` days ago, more often lately."""
        days = before + (MONTHS_DAYS - before) * chance.random() ** 1.4
        return self.now - timedelta(days=days, minutes=chance.random() * 300)


def some(of: Sequence[T], count: int, chance: random.Random) -> tuple[T, ...]:
    return tuple(chance.sample(of, min(count, len(of))))


def _all(*wares: Ware | None) -> tuple[Ware, ...]:
    return tuple(ware for ware in wares if ware is not None)


def _start(visit: Visit) -> datetime:
    return visit.start


def _brands(interests: Sequence[Interest], chance: random.Random) -> frozenset[int]:
    """One brand of each interest."""
    of_each = [sorted({ware.brand for ware in interest.wares if ware.brand is not None}) for interest in interests]
    return frozenset(chance.choice(brands) for brands in of_each if brands)
