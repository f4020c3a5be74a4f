"""How long the completion of what is being typed takes, in one run with the bare engine and a peer.

- ours: `search.query.suggest` as the search box asks it: words from the vocabulary, popular queries, codes, names,
  products read from the database; every prefix is new to it;
- floor: the index alone, asked through qdrant-client for as many products by the whole word, ids alone;
- peer: the usual recipe of a shop on a database, titles that hold what was typed (LIKE '%…%'), the first six of them.

The prefixes are beginnings of the shop's own titles, every fifth with an error in it. The products lie in a shop of
their own that is thrown away.
"""

import json
import random
from typing import Any

from benchmarks.search import HITS, _fill, _in_turns
from search.evaluation.typos import misspell
from search.evaluation.workspace import workspace

PREFIXES, SHORTEST, LONGEST = 60, 3, 14


def run(size: int) -> dict[str, Any]:
    """Median milliseconds of one completion over ``size`` products."""
    with workspace() as shop:
        shop.manage("migrate", "--verbosity", "0")
        told = shop.manage(
            "shell", "--no-imports", "-c", f"import benchmarks.suggest as b; b.measure({size})", capture=True
        )
    result: dict[str, Any] = json.loads(told.strip().splitlines()[-1])
    return result


def measure(size: int) -> None:
    """Fill the shop that the settings point at, measure, and print one JSON object."""
    from search.language import collecting

    _fill(size)
    collecting.refresh(at_once=True)
    print(json.dumps(compare()))


def compare() -> dict[str, Any]:
    """Measure in the shop that the settings point at, as it is."""
    from qdrant_client import models

    from catalog.selectors import published_products
    from search.index.client import get_client
    from search.index.live import live_collection
    from search.index.schema import TERMS
    from search.query import completion, suggest
    from search.terms import query_terms

    live = live_collection()
    prefixes = _prefixes(list(published_products().order_by("sku").values_list("title", flat=True)[:5000]))
    words = {
        typed: models.SparseVector(indices=i, values=v) for typed in prefixes for i, v in [query_terms(typed, "en")]
    }

    def ours(typed: str) -> Any:
        completion._complete.cache_clear()  # nobody has typed it before
        return suggest(typed)

    def bare(typed: str) -> Any:
        return get_client().query_points(live.name, query=words[typed], using=TERMS, limit=HITS, with_payload=False)

    def scan(typed: str) -> Any:
        found = published_products()
        for word in typed.split():
            found = found.filter(title__icontains=word)
        return list(found.order_by("title")[:6])

    suggest("warm")
    taken, floor, peer = _in_turns(prefixes, ours, bare, scan)
    return {
        "ours": taken,
        "floor": floor,
        "peer": peer,
        "ratio_to_floor": taken / floor,
        "ratio_to_peer": taken / peer,
        "unit": "milliseconds, median",
        "what_ours": "all of what the search box shows, for prefixes that nobody typed before",
        "what_floor": "one query of the index for whole words through qdrant-client, ids alone",
        "what_peer": "titles by LIKE '%word%' for each word, six products without pictures, brands or categories",
    }


def _prefixes(titles: list[str]) -> list[str]:
    chance = random.Random(3)  # noqa: S311  not a secret
    made: dict[str, None] = {}
    while len(made) < PREFIXES:
        words = chance.choice(titles).lower().split()
        start = chance.randrange(len(words))
        text = " ".join(words[start : start + 2])[: chance.randint(SHORTEST, LONGEST)].strip()
        if len(text) >= SHORTEST:
            made[misspell(text, chance) if len(made) % 5 == 4 else text] = None
    return list(made)
