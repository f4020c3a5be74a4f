"""A shopper's own earlier queries. Who they are, and what is kept of them, is told by SEARCH_RECENT_QUERIES."""

import logging
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from search.terms import fold

log = logging.getLogger(__name__)


class History(Protocol):
    """What the class that SEARCH_RECENT_QUERIES names can do."""

    def recent(self, request: Any, limit: int) -> list[str]:
        """This shopper's own queries, the latest first; none of anybody who did not agree to be remembered."""
        ...

    def forget(self, request: Any, query: str) -> int:
        """Delete one of this shopper's queries, or all with an empty one. Return how many records went."""
        ...


LOOKED_AT = 50  # of the latest queries


def recent(request: Any, typed: str, limit: int) -> list[str]:
    """The latest of a shopper's queries that begin as typed, or have a word that does."""
    if not settings.SEARCH_RECENT_QUERIES or request is None:
        return []
    beginning = fold(typed)
    try:
        queries = _history().recent(request, LOOKED_AT)
    except Exception:
        log.exception("A shopper's queries could not be read")  # the others are completed all the same
        return []
    kept: dict[str, str] = {}
    for query in queries:
        if begins(fold(query), beginning):
            kept.setdefault(fold(query), query)
    return list(kept.values())[:limit]


def begins(text: str, beginning: str) -> bool:
    return text.startswith(beginning) or f" {beginning}" in text


def forget(request: Any, query: str = "") -> int:
    return _history().forget(request, query) if settings.SEARCH_RECENT_QUERIES else 0


def _history() -> History:
    history: History = import_string(settings.SEARCH_RECENT_QUERIES)()
    return history
