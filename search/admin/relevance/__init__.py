"""The relevance workbench: sets of judged queries, configurations side by side, and runs over whole sets."""

from search.admin.relevance import configurations, runs, sets

__all__ = ["configurations", "runs", "sets"]
