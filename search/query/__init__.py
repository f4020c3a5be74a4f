"""Searching: `search` answers a SearchRequest, `suggest` completes what is being typed."""

from search.query.engine import search
from search.query.errors import BadRequest, SearchError, SearchUnavailable
from search.query.request import Facet, FacetValue, Filters, Hit, SearchRequest, SearchResult
from search.query.suggest import Suggestions, suggest

__all__ = [
    "BadRequest",
    "Facet",
    "FacetValue",
    "Filters",
    "Hit",
    "SearchError",
    "SearchRequest",
    "SearchResult",
    "SearchUnavailable",
    "Suggestions",
    "search",
    "suggest",
]
