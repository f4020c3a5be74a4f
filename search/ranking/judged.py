"""Judged searches as rankings are fitted on and measured by."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from search.evaluation import ranking
from search.query import SearchRequest, search
from search.query.configuration import Configuration
from search.ranking.groups import Group, K, rows_of

Judgments = Mapping[str, Mapping[str, int]]  # query -> sku -> grade

DEPTH = 200  # hits of a query that are looked at; what lies deeper no ranker sees at serving time either
# The order that everything learned is held against: the fusion as it ships, with nothing learned and nobody's taste.
PLAIN = Configuration(ranker="none", rules=False, personal=False)


def from_judgments(
    judgments: Judgments, progress: Callable[[Iterable[str]], Iterable[str]] = iter, plain: Configuration = PLAIN
) -> list[Group]:
    """Search for each query that has a relevant product. Raises what `search` raises."""
    usable = [query for query, grades in judgments.items() if max(grades.values()) >= ranking.RELEVANT]
    groups = (_judged(query, judgments[query], plain) for query in progress(usable))
    return [group for group in groups if group is not None]


def _judged(query: str, grades: Mapping[str, int], plain: Configuration) -> Group | None:
    asked = SearchRequest(q=query, facets=(), page_size=DEPTH, configuration=plain, features=True)
    found = search(asked)
    if not found.hits or not found.features:
        return None
    skus = [hit.product.sku for hit in found.hits]
    known = np.array([grades.get(sku, 0) for sku in skus], dtype=np.int64)
    return Group(
        query=query,
        ids=np.array([hit.product.pk for hit in found.hits], dtype=np.int64),
        rows=rows_of(found.features, [hit.product.pk for hit in found.hits]),
        grades=known,
        weights=np.ones(len(skus)),
        gains=np.exp2(known.astype(np.float64)) - 1,
        judged=np.array([sku in grades for sku in skus], dtype=np.bool_),
        ideal=ranking.dcg(sorted(grades.values(), reverse=True), K),
    )
