"""Groups of shoppers that rules can be made for. Which there are, and who is in them, the module SEARCH_SEGMENTS tells.

It holds `NAMES`, segment -> what people call it, and `segments_of(shopper)`, which takes None for a stranger.
"""

import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings

log = logging.getLogger(__name__)

EVERYBODY = ""


def names() -> Mapping[str, str]:
    """The segments that a rule can be made for, everybody first."""
    known = {EVERYBODY: "Everybody"}
    return {**known, **import_module(settings.SEARCH_SEGMENTS).NAMES} if settings.SEARCH_SEGMENTS else known


def segments_of(shopper: Any) -> frozenset[str]:
    """Those that a shopper is in; none besides everybody where it cannot be told: a search stands without it."""
    if not settings.SEARCH_SEGMENTS:
        return frozenset()
    try:
        return frozenset(import_module(settings.SEARCH_SEGMENTS).segments_of(shopper))
    except Exception:
        log.exception("A shopper's segments could not be told")
        return frozenset()
