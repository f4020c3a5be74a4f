"""The log of searches: one row a search, written beside the answer; see `search.models.LoggedSearch`."""
