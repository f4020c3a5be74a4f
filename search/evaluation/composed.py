"""A product's picture and the word of another colour: are the hits of the same kind, and in that colour?

Relevance is derived from attributes, not judged by people. The picture alone stands beside it: it finds the kind, and
the colour that was asked for only by chance.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from catalog.models import Product
from search.evaluation.attribute_queries import COLOUR, KIND, described
from search.evaluation.configurations import DEFAULT, Named, named
from search.evaluation.halves import Half, take
from search.evaluation.relevance import Watch
from search.evaluation.significance import interval, ratio_interval

K = 10
LEAST_MATCHING = 5  # products of the kind in the colour that is asked for
MOST = 150

Query = tuple[str, str, str]  # (sku of the picture, kind, colour asked for)


def make(*, half: Half | None = None, seed: int = 7, most: int = MOST) -> list[Query]:
    """A seeded sample: one picture for each kind and pair of colours of which there are enough products."""
    pictured = set(Product.objects.filter(pictures__isnull=False).values_list("sku", flat=True))
    by_kind: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for sku, known in described().items():
        if sku in pictured and KIND in known and COLOUR in known:
            by_kind[known[KIND]][known[COLOUR]].append(sku)
    chance = random.Random(f"{seed}/composed")  # noqa: S311 - the same queries in every run
    made = [
        (chance.choice(sorted(skus)), kind, wanted)
        for kind, by_colour in sorted(by_kind.items())
        for wanted, matching in sorted(by_colour.items())
        for colour, skus in sorted(by_colour.items())
        if colour != wanted and len(matching) >= LEAST_MATCHING
    ]
    chance.shuffle(made)
    return take(made, half, lambda query: f"{query[1]}/{query[2]}")[:most]


def evaluate(
    *, half: Half | None = None, configuration: str = DEFAULT, progress: Watch = iter, seed: int = 7
) -> dict[str, Any]:
    """P@10 of hits that are of the picture's kind in the colour asked for; of fewer than ten products, their share."""
    products, asked = described(), named(configuration)
    queries = {f"{sku} in {wanted}": (sku, kind, wanted) for sku, kind, wanted in make(half=half, seed=seed)}
    rows = []
    for text in progress(list(queries)):
        sku, kind, wanted = queries[text]
        right = {each for each, known in products.items() if known.get(KIND) == kind and known.get(COLOUR) == wanted}
        row: dict[str, Any] = {"query": text, "kind": kind, "p@10": _precision(asked, wanted, sku, right)}
        rows.append(row | {"p@10_picture_alone": _precision(asked, "", sku, right)})
    return _figures(rows)


def _precision(asked: Named, words: str, sku: str, right: set[str]) -> float:
    most = min(K, len(right))
    found = [hit.product.sku for hit in asked.ask(words, most, image_of=sku).hits]
    return len(right.intersection(found)) / most


def _figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    both, alone = [row["p@10"] for row in rows], [row["p@10_picture_alone"] for row in rows]
    mean, by_picture = (fmean(values) if values else 0.0 for values in (both, alone))
    return {
        "queries": len(rows),
        "p@10": round(mean, 4),
        "p@10_interval": [round(end, 4) for end in interval(both)],
        "p@10_picture_alone": round(by_picture, 4),
        "p@10_picture_alone_interval": [round(end, 4) for end in interval(alone)],
        "ratio": round(mean / by_picture, 4) if by_picture else 0.0,
        "ratio_interval": [round(end, 4) for end in ratio_interval(both, alone)],
        "relevance": "Derived from attributes, not judged by people",
        "per_query": sorted(rows, key=lambda row: (row["p@10"], row["query"])),
    }
