"""Who is searching, as far as a log may know. The function that SEARCH_VISITOR names tells it."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Visitor:
    """`key` is None for who did not agree to be remembered, and for who sent none and cannot be given one."""

    key: uuid.UUID | None = None
    returning: bool = False  # the key came with the request
    consent: bool = True
    device: str = ""
    program: bool = False  # a crawler or a script: what it asks says nothing of what people look for


def visitor_of(request: Any, *, remember: bool) -> Visitor:
    """Who sends a request. With `remember` (a page, which sets cookies) a stranger who may be remembered gets a key."""
    if not settings.SEARCH_VISITOR:
        return Visitor()
    found: Visitor = import_string(settings.SEARCH_VISITOR)(request, remember=remember)
    return found
