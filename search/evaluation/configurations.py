"""What is measured: the search under a name, which is a mode or a configuration that somebody has kept."""

from collections.abc import Callable

from search.query import SearchRequest, search
from search.query.request import Mode, SearchResult

MODES: tuple[Mode, ...] = ("lexical", "semantic", "hybrid")
DEFAULT = "hybrid"

Ask = Callable[[str, int], SearchResult]  # (query, most hits)


class UnknownConfigurationError(Exception):
    """Nothing goes by this name; the message says what does."""


def names() -> list[str]:
    """Everything that can be measured here, modes first."""
    return list(MODES)


def configured(name: str) -> Ask:
    """How to search under a name. Raises UnknownConfigurationError.

    Nobody is known who asks, so the order is the one that everybody gets.
    """
    for mode in MODES:
        if name == mode:
            return lambda query, most: search(
                SearchRequest(q=query, mode=mode, facets=(), page_size=most, personal=False)
            )
    raise UnknownConfigurationError(f"There is no configuration {name!r}; there are {', '.join(names())}.")


def skus(ask: Ask, query: str, most: int) -> list[str]:
    """The skus that a query finds, best first."""
    return [hit.product.sku for hit in ask(query, most).hits]
