"""The admin of the search: synonyms and merchandising rules."""

from search.admin import relevance, rules, synonyms

__all__ = ["relevance", "rules", "synonyms"]
