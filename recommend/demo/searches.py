"""What made-up shoppers searched for before they clicked: rows for the log of searches, as a shop's own would be.

Everything is drawn by generators of its own, so that the histories are the same with and without it.
"""

import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache

from recommend.demo.habits import Ware
from recommend.demo.people import Crowd, Person
from recommend.demo.visits import Act, query_of
from search.log.rows import row_of
from search.log.visitors import Visitor
from search.models import LoggedSearch
from search.query.request import SearchRequest, SearchResult

PAGE = 24
MISTYPED, MISSING, AGAIN = 0.08, 0.03, 0.12  # shares of the searches
MISSING_QUERIES = (
    "gift card", "printer ink", "car tyres", "dog food", "contact lenses", "hearing aid batteries", "wedding dress",
    "baby monitor", "aquarium pump",
)  # fmt: skip

Key = Callable[[int], uuid.UUID]


@dataclass(frozen=True)
class Searched:
    """A shopper's acts, with the clicks that followed a search naming it, and the searches."""

    acts: list[Act]
    rows: list[LoggedSearch]


class Searcher:
    """Tells what somebody typed to get to what they clicked on."""

    def __init__(self, crowd: Crowd, key: Key) -> None:
        self._crowd, self._key = crowd, key
        self._found = lru_cache(maxsize=5000)(self._find)

    def follow(self, person: Person, acts: Sequence[Act], keys: tuple[uuid.UUID, uuid.UUID]) -> Searched:
        """Let each visit with a search, or with a click on a hit, be logged. `keys` are those of the two devices."""
        chance = self._crowd.chance(f"{person.name}/searches")
        told: list[Act] = []
        rows: list[LoggedSearch] = []
        searching: dict[str, tuple[uuid.UUID, list[int]]] = {}  # session -> its search and what that showed
        for act in acts:
            if act.kind == "search" or (act.more.get("surface") == "search" and act.session not in searching):
                query = act.more.get("query") or (query_of(act.ware, chance) if act.ware else "")
                visitor = _visitor(act, keys)
                rows += self._before(query, act, visitor, chance)
                row = self._row(query, act, visitor, chance, seconds=0 if act.kind == "search" else -6)
                rows.append(row)
                searching[act.session] = row.pk, row.shown
            told.append(self._clicked(act, searching, chance) if act.kind == "click" else act)
        return Searched(told, rows)

    def _clicked(self, act: Act, searching: dict[str, tuple[uuid.UUID, list[int]]], chance: random.Random) -> Act:
        """The click on what the visit's search showed, if it showed that."""
        search_id, shown = searching.get(act.session, (None, []))
        if search_id is None or act.ware is None or act.ware.pk not in shown:
            return act
        place = shown.index(act.ware.pk)
        return replace(act, more={**act.more, "surface": "search", "position": place, "search_id": search_id})

    def _before(self, query: str, act: Act, visitor: Visitor, chance: random.Random) -> Iterator[LoggedSearch]:
        """What was typed first: with a slip of a finger, or for something that the shop does not have."""
        drawn = chance.random()
        if drawn < MISTYPED and len(query) > 4:
            yield self._row(_mistyped(query, chance), act, visitor, chance, seconds=-20, hits=False)
        elif drawn < MISTYPED + MISSING:
            yield self._row(chance.choice(MISSING_QUERIES), act, visitor, chance, seconds=-600, hits=False)

    def _row(
        self, query: str, act: Act, visitor: Visitor, chance: random.Random, *, seconds: float, hits: bool = True
    ) -> LoggedSearch:
        found = [ware for ware in self._found(query) if ware != act.ware] if hits else []
        chance.shuffle(found)
        if hits and act.ware:  # what is clicked stands near the top more often than not
            found.insert(min(int(chance.expovariate(0.5)), len(found)), act.ware)
        row = row_of(
            SearchRequest(q=query, page_size=PAGE),
            SearchResult([], len(found), [], round(chance.lognormvariate(2.7, 0.5), 1), {"mode": "hybrid"}),
            visitor,
            surface="page",
            at=act.at + timedelta(seconds=seconds),
        )
        row.pk = self._key(chance.getrandbits(64))
        row.shown = [ware.pk for ware in found[:PAGE]] if visitor.consent else []
        return row

    def _find(self, query: str) -> tuple[Ware, ...]:
        words = query.split()
        return tuple(ware for ware in self._crowd.habits.wares if all(word in ware.name.lower() for word in words))


def _visitor(act: Act, keys: tuple[uuid.UUID, uuid.UUID]) -> Visitor:
    if not act.consent:
        return Visitor(consent=False, device=act.device)
    return Visitor(keys[act.second_device], returning=True, device=act.device)


def _mistyped(query: str, chance: random.Random) -> str:
    place = chance.randrange(1, len(query) - 1)
    if chance.random() < 0.5:
        return query[:place] + query[place + 1 :]
    return query[:place] + query[place + 1] + query[place] + query[place + 2 :]
