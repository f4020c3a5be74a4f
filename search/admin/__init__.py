"""The admin of the search: synonyms and merchandising rules."""

from search.admin import rules, synonyms

__all__ = ["rules", "synonyms"]
