"""What else holds something of each product and has to follow the index: functions named in settings.INDEX_COMPANIONS.

A companion is called as `companion(upserted: Sequence[Description], deleted: Collection[int])` in the thread that owns
the database, after the points of a batch were written and before its outbox entries are removed. It may be called again
with the same products, and with some that have changed since. If it raises, the entries stay and come again.
"""

from collections.abc import Collection, Sequence

from django.conf import settings
from django.utils.module_loading import import_string

from search.documents import Description
from search.index.errors import CompanionError


def tell(upserted: Sequence[Description], deleted: Collection[int]) -> None:
    """Call every companion. Raises CompanionError, which trying again may mend."""
    if not upserted and not deleted:
        return
    for path in settings.INDEX_COMPANIONS:
        try:
            import_string(path)(upserted, deleted)
        except Exception as error:
            raise CompanionError(path, error) from error
