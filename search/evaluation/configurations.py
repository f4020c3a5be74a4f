"""What is measured: the search under a name, which is a mode, a configuration that is kept, or one written as JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from search.models import SearchConfiguration
from search.query import SearchRequest, SearchUnavailable, search
from search.query.configuration import configuration_of
from search.query.request import Mode, SearchResult

MODES: tuple[Mode, ...] = ("lexical", "semantic", "hybrid")
DEFAULT = "hybrid"

Ask = Callable[[str, int], SearchResult]  # (query, most hits)


class UnknownConfigurationError(Exception):
    """Nothing goes by this name, or what it says makes no sense; the message tells which."""


@dataclass(frozen=True)
class Named:
    """A way to search as it is measured and recorded."""

    name: str
    mode: Mode = "hybrid"
    overrides: dict[str, Any] = field(default_factory=dict)

    def ask(self, query: str, most: int, image_of: str = "") -> SearchResult:
        """The first hits of words, beside a product's picture if one is named.

        Nobody is known who asks, so the order is the one that everybody gets. Raises SearchUnavailable also where the
        database answers in place of an index that is away: that is no figure of the search.
        """
        configuration = configuration_of(self.overrides) if self.overrides else None
        found = search(
            SearchRequest(
                q=query,
                image_of=image_of,
                mode=self.mode,
                facets=(),
                page_size=most,
                personal=False,
                configuration=configuration,
            )
        )
        if found.query.get("from") == "database":
            raise SearchUnavailable(" ".join(found.query["degraded"]))
        return found

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "mode": self.mode, "overrides": self.overrides}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Named":
        return _checked(cls(str(told["name"]), told["mode"], dict(told["overrides"])))


def names() -> list[str]:
    """Everything that goes by a name here, the search as it is first."""
    return [
        DEFAULT,
        *(mode for mode in MODES if mode != DEFAULT),
        *SearchConfiguration.objects.values_list("name", flat=True),
    ]


def named(name: str) -> Named:
    """A mode, a kept configuration, or overrides as JSON: `{"synonyms": false}`. Raises UnknownConfigurationError."""
    for mode in MODES:
        if name == mode:
            return Named(name, mode)
    if name.lstrip().startswith("{"):
        try:
            return _checked(Named(name, overrides=json.loads(name)))
        except ValueError as error:
            raise UnknownConfigurationError(f"{name[:80]} is no JSON: {error}") from error
    kept = SearchConfiguration.objects.filter(name=name).first()
    if kept is None:
        raise UnknownConfigurationError(f"There is no configuration {name[:80]!r}; there are {', '.join(names())}.")
    of_kept = next(mode for mode in MODES if mode == kept.mode)
    return _checked(Named(kept.name, of_kept, kept.overrides))


def _checked(configuration: Named) -> Named:
    try:
        configuration_of(configuration.overrides)
    except ValueError as error:
        raise UnknownConfigurationError(
            f"The configuration {configuration.name[:80]} cannot be used: {error}"
        ) from error
    return configuration


def configured(name: str) -> Ask:
    """How to search under a name. Raises UnknownConfigurationError."""
    return named(name).ask


def skus(ask: Ask, query: str, most: int) -> list[str]:
    """The skus that a query finds, best first."""
    return [hit.product.sku for hit in ask(query, most).hits]
