"""Made-up searches for what learns from them."""

import numpy as np

from search.ranking.features import NAMES
from search.ranking.groups import Group

AT = {name: place for place, name in enumerate(NAMES)}


def group(query: str, columns: dict[str, list[float]], grades: list[int]) -> Group:
    """A search whose hits stand in the order given, with the features that are named and 0 in the others."""
    count = len(grades)
    rows = np.zeros((count, len(NAMES)))
    ranks = np.arange(1, count + 1)
    rows[:, AT["fused_rank"]] = 61 / (60 + ranks)
    rows[:, AT["fused_score"]] = 61 / (60 + ranks)
    rows[:, AT["terms_rank"]] = 61 / (60 + ranks)
    rows[:, AT["terms_coverage"]] = 0.8
    for name, values in columns.items():
        rows[:, AT[name]] = values
    known = np.array(grades)
    gains = 2.0**known - 1
    best = np.sort(gains)[::-1][:10]
    return Group(
        query=query,
        ids=np.arange(count),
        rows=rows,
        grades=known,
        weights=np.ones(count),
        gains=gains,
        judged=np.ones(count, bool),
        ideal=float((best / np.log2(np.arange(2, len(best) + 2))).sum()),
    )


def telling(queries: int = 30, hits: int = 20, *, noise: bool = False, seed: int = 1) -> list[Group]:
    """Searches whose relevant hits are the cheap ones, which the fusion does not know; or with `noise` any."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(queries):
        price = random.uniform(0, 5, hits)
        relevant = random.permutation(price < 1.2) if noise else price < 1.2
        if not relevant.any():
            relevant[0] = True
        made.append(group(f"query {number}", {"price": price.tolist()}, (relevant * 2).tolist()))
    return made
