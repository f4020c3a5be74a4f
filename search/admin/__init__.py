"""The admin of the search: synonyms, merchandising rules, learned rankings, possible duplicates, relevance."""

from search.admin import duplicates, ranking, relevance, rules, synonyms

__all__ = ["duplicates", "ranking", "relevance", "rules", "synonyms"]
