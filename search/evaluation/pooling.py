"""Which products of a query are put before a judge: what any of several ways to search has among its first hits.

Pooling as at TREC (Spärck Jones and van Rijsbergen, 1975): nobody judges a whole catalogue, and judging what one
configuration finds would make that one look best.
"""

import hashlib

from search.evaluation.configurations import MODES, named
from search.models import JudgedQuery, Judgment, SearchConfiguration

DEPTH = 10  # hits of each
MOST_KEPT = 4  # kept configurations that take part besides the modes


def pool(query: JudgedQuery) -> list[str]:
    """Skus to judge, with those that anybody judged before, in an order that tells nothing of their rank.

    The order follows from the query and the sku, so that it is the same on every visit and for every judge. Raises
    SearchError, and UnknownConfigurationError for a kept configuration that no longer makes sense.
    """
    kept = SearchConfiguration.objects.order_by("-created_at").values_list("name", flat=True)[:MOST_KEPT]
    found = set(Judgment.objects.filter(query=query).values_list("sku", flat=True))
    for name in (*MODES, *kept):
        found |= {hit.product.sku for hit in named(name).ask(query.text, DEPTH).hits}
    return sorted(found, key=lambda sku: hashlib.sha256(f"{query.text}/{sku}".encode()).digest())
