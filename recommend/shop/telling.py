"""What the pages themselves tell the event log: they know it happened, with or without scripts."""

import logging
import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, QueryDict

from recommend.events.drafts import LONGEST, EventDraft
from recommend.events.log import record
from recommend.events.models import Shopper
from recommend.events.shoppers import shopper_of

log = logging.getLogger(__name__)


def tell(request: HttpRequest, drafts: Iterable[EventDraft]) -> Shopper | None:
    """Record what this shopper did, and return the shopper; None for those who did not agree to be remembered."""
    shopper = shopper_of(request, create=True)
    tell_of(shopper, drafts)
    return shopper


def tell_of(shopper: Shopper | None, drafts: Iterable[EventDraft]) -> None:
    """Record what a shopper did; of None, that somebody did it.

    What the log refuses, or a log that fails, is written down and nothing more: a cart works without it.
    """
    try:
        recorded = record([replace(draft, shopper=shopper) for draft in drafts])
        for index, reason in recorded.rejected:
            log.warning("Event %s was refused: %s", index, reason)
    except Exception:
        log.exception("Events were not recorded")


def where_shown(params: QueryDict) -> dict[str, Any]:
    """What a button's address says of where the product was shown; what makes no sense is left out, not refused."""
    position = params.get("position", "")
    fits = position.isascii() and position.isdigit() and len(position) < 5
    return {
        "surface": params.get("surface", "").replace("\x00", "")[: LONGEST["surface"]],
        "position": int(position) if fits else None,
        "search_id": _uuid(params.get("search", "")),
    }


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
