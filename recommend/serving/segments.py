"""Groups of shoppers for merchandising rules; named by SEARCH_SEGMENTS: the search knows nothing of shoppers."""

from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone

from recommend.events.models import Shopper

NAMES: Mapping[str, str] = {
    "signed-in": "Signed in",
    "new": "New: not known for longer than a day",
    "returning": "Returning: known for longer than a day",
}
NEW_FOR = timedelta(days=1)


def segments_of(shopper: Shopper | None) -> set[str]:
    """Free of queries. Who is unknown, or did not want to be known, is new each time."""
    if shopper is None:
        return {"new"}
    found = {"returning" if timezone.now() - shopper.created_at > NEW_FOR else "new"}
    return found | {"signed-in"} if shopper.user_id else found
