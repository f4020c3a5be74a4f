"""What can go wrong with a search, in terms of who can do something about it."""


class SearchError(Exception):
    """Base of the errors that `search` raises; the message is a sentence for whoever asked."""


class BadRequest(SearchError):  # noqa: N818  (named as HTTP names it)
    """The request makes no sense, and will not the next time either. `field` names the part at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class SearchUnavailable(SearchError):  # noqa: N818
    """The vector store, or an encoder that the request cannot do without, is down. Trying again later helps."""
