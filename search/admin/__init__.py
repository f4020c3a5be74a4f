"""The admin of the search: synonyms, merchandising rules, possible duplicates, relevance."""

from search.admin import duplicates, relevance, rules, synonyms

__all__ = ["duplicates", "relevance", "rules", "synonyms"]
