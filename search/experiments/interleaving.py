"""Team-draft interleaving (Radlinski, Kurup and Joachims, "How does clickthrough data reflect retrieval quality?",
CIKM 2008): two rankings in one list, as two captains pick teams. Which team's hits are clicked says which is better."""

import random
from collections.abc import Hashable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def team_draft(a: Sequence[T], b: Sequence[T], length: int, seed: int) -> tuple[list[T], str]:
    """Return the first `length` of the mixed list, and whose each one is: "a", "b", or "-".

    In each round both teams pick their best hit that is not yet taken, and a coin says who picks first; so while both
    have hits left, neither is ever more than one ahead. How both begin alike belongs to neither ("-"): a click there
    says nothing of which is better. The first hits of a longer list are those of a shorter one with the same seed.
    """
    alike = next((place for place, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    mixed: list[T] = list(dict.fromkeys(a[:alike]))
    teams = ["-"] * len(mixed)
    taken = set(mixed)
    lists = {"a": a, "b": b}
    at = dict.fromkeys(lists, alike)
    coin = random.Random(seed)  # noqa: S311 - the same coins in every process
    while len(mixed) < length:
        order = ("a", "b") if coin.random() < 0.5 else ("b", "a")
        before = len(mixed)
        for team in order:
            ranking = lists[team]
            while at[team] < len(ranking) and ranking[at[team]] in taken:
                at[team] += 1
            if at[team] < len(ranking):
                picked = ranking[at[team]]
                taken.add(picked)
                mixed.append(picked)
                teams.append(team)
        if len(mixed) == before:
            break
    return mixed[:length], "".join(teams[:length])
