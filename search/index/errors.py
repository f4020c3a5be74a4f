"""What goes wrong between the application and its vector store, as one exception."""


class VectorStoreError(Exception):
    """The vector store refused a request or could not be reached.

    ``permanent`` says that sending the same request again cannot help. ``status`` is the HTTP status of a refusal, and
    None where no answer came.
    """

    def __init__(self, message: str, *, permanent: bool, status: int | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.status = status


class IndexMissing(VectorStoreError):  # noqa: N818  (a state of the shop, which its first `embed` ends)
    """No collection stands behind the alias yet: nothing has been indexed."""

    def __init__(self, alias: str) -> None:
        super().__init__(f"Nothing stands behind the alias {alias!r} yet: run `embed`.", permanent=False, status=404)


class CompanionError(VectorStoreError):
    """What follows the index (settings.INDEX_COMPANIONS) failed. The index itself is level; the entries come again."""

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(f"{name} could not follow: {type(error).__name__}: {error}", permanent=False)
