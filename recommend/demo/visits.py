"""From a made-up shopper to the events of their visits, with what real logs hold besides: reloads, bots, doubts."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from recommend.demo.habits import Interest, Ware
from recommend.demo.people import Crowd, Person, Visit

FAITH = 0.9  # how often an interest, and not anything at all, decides what is looked at
BRAND_FACTOR, COLOUR_FACTOR = 3.0, 2.0
LIKED_OFFSET = 20  # the r-th most liked family is looked at as 1 / (r + this): a long tail, as shops have it
DEVICES = ("phone", "phone", "phone", "desktop", "desktop", "tablet", "app")
SURFACES = ("search", "search", "category", "category", "home", "for-you", "similar")
BOT_PAGES, BOT_SECONDS = 400, 0.7
RELOAD_SHARE = 0.06


@dataclass(frozen=True, slots=True)
class Act:
    """One event before it is written. `more` holds what only some kinds have, by the names of the event's columns."""

    number: int  # of 64 bits, drawn
    kind: str
    at: datetime
    ware: Ware | None
    session: str
    device: str
    second_device: bool
    consent: bool
    more: dict[str, Any] = field(default_factory=dict)


class Diary:
    """Writes down what each person of a crowd did."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        names = sorted({ware.name for ware in crowd.habits.wares})
        crowd.chance("liked").shuffle(names)
        self._liked = {name: 1 / (rank + LIKED_OFFSET) for rank, name in enumerate(names)}
        self._weights: dict[str, list[float]] = {}  # cumulated, by interest

    def acts(self, person: Person) -> list[Act]:
        """Return what the person did until the crowd's `now`, oldest first."""
        chance = self.crowd.chance(f"{person.name}/acts")
        if person.bot:
            acts = list(self._crawl(chance))
        else:
            visits = self.crowd.visits(person, chance)
            acts = [act for visit in visits for act in self._events(_Page(person, visit, chance), person, visit)]
        return sorted((act for act in acts if act.at <= self.crowd.now), key=lambda act: act.at)

    def _events(self, page: "_Page", person: Person, visit: Visit) -> Iterator[Act]:
        chance = page.chance
        interest = chance.choice(person.interests) if person.interests and chance.random() < FAITH else None
        looked = self._browse(person, interest, visit.start.date(), chance) if visit.browses else []
        if looked and chance.random() < 0.3:
            yield page.act("search", None, 5, query=query_of(looked[0], chance), surface="search")
        for ware in (*looked, *visit.wanted):
            if chance.random() < 0.2:
                yield page.act("click", ware, 4, surface=chance.choice(SURFACES), position=chance.randrange(12))
            yield page.act("view", ware, 8 + chance.expovariate(1 / 40))
            if chance.random() < RELOAD_SHARE:
                yield page.act("view", ware, 0.4 + chance.random())
        if looked and chance.random() < 0.06:
            yield page.act(chance.choice(("like", "like", "hide", "not-for-me")), looked[-1], 3)
        if visit.buys:
            yield from _order(page, list(visit.wanted) or looked[: chance.choice((1, 1, 2))])
        elif looked and chance.random() < 0.1:
            yield page.act("cart", looked[-1], 6)
            yield page.act("remove", looked[-1], 30)

    def _browse(self, person: Person, interest: Interest | None, day: date, chance: random.Random) -> list[Ware]:
        """Draw products of an interest: liked ones, those of the brand and in the colour more often."""
        count = chance.choice((1, 2, 2, 3, 3, 5))
        found: list[Ware] = []
        ahead = person.ahead
        for ware in self._draw(interest, 3 * count, chance):
            likes = BRAND_FACTOR if ware.brand in person.brands else 1
            likes *= COLOUR_FACTOR if person.colour in ware.colours else 1
            often = likes / (BRAND_FACTOR * COLOUR_FACTOR)
            if ware.is_out(day) and chance.random() < often and ware.name not in ahead:
                found.append(ware)
        return found[:count]

    def _draw(self, interest: Interest | None, count: int, chance: random.Random) -> list[Ware]:
        name, wares = (interest.name, interest.wares) if interest else ("", self.crowd.habits.wares)
        if not wares:
            return []
        if name not in self._weights:
            self._weights[name] = list(accumulate(self._liked[ware.name] for ware in wares))
        return chance.choices(wares, cum_weights=self._weights[name], k=count)

    def _crawl(self, chance: random.Random) -> Iterator[Act]:
        """Page after page, a second or less for each."""
        start = self.crowd.now - timedelta(days=chance.random() * 60)
        page = _Page(Person("bot"), Visit(start), chance)
        out = [ware for ware in self.crowd.habits.wares if ware.is_out(start.date())]
        for ware in out[:BOT_PAGES]:
            yield page.act("view", ware, BOT_SECONDS)


class _Page:
    """Where a visit has got to: each act moves its clock on."""

    def __init__(self, person: Person, visit: Visit, chance: random.Random) -> None:
        self.chance = chance
        self._at = visit.start
        self._session = f"{chance.getrandbits(64):016x}"
        self._second = person.two_devices and chance.random() < 0.4
        self._device = DEVICES[0] if self._second else chance.choice(DEVICES)
        self._consent = person.consent

    def act(self, kind: str, ware: Ware | None, seconds: float, **more: Any) -> Act:
        self._at += timedelta(seconds=seconds)
        number = self.chance.getrandbits(64)
        return Act(number, kind, self._at, ware, self._session, self._device, self._second, self._consent, more)


def _order(page: _Page, bought: Sequence[Ware]) -> Iterator[Act]:
    chance = page.chance
    for ware in bought:
        yield page.act("cart", ware, 6)
    basket = f"{chance.getrandbits(48):012x}"
    for place, ware in enumerate(bought):
        # One order has one time, whatever it holds.
        more = {"value": ware.price, "quantity": chance.choice((1, 1, 1, 2)), "basket": basket}
        yield page.act("purchase", ware, 0 if place else 60, **more)
    if bought and chance.random() < 0.15:
        yield page.act("rating", bought[0], 3 * 86_400, value=Decimal(chance.choice((3, 4, 4, 5, 5, 5))))


def query_of(ware: Ware, chance: random.Random) -> str:
    """The last word or two of a product's name, as somebody types them."""
    words = ware.name.lower().replace(",", "").split()
    return " ".join(words[-chance.choice((1, 2)) :])
