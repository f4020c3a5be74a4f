"""When a key was last let in."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from catalog.models import ApiKey

logger = logging.getLogger(__name__)
EVERY = 300  # seconds: who looks for keys that nobody uses counts in days


def noted(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Write it down once in EVERY seconds a key, after the answer went out.

    So no request waits for it, it holds no lock while rows of the catalogue are written, and it is in no transaction
    that somebody else's error could take back, or that it could. Where it fails, the next request writes it.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        key: ApiKey | None = getattr(request, "vetrina_api_key", None)
        if key is not None and response.status_code < 400 and cache.add(f"key-used:{key.pk}", 1, EVERY):
            _after(response, key.pk)
        return response

    return middleware


def _after(response: Any, key_id: int) -> None:
    close = response.close

    def closing() -> None:
        close()
        try:
            ApiKey.objects.filter(pk=key_id).update(last_used_at=timezone.now())
        except DatabaseError as error:
            cache.delete(f"key-used:{key_id}")
            logger.warning("When a key was last used could not be written: %s", error)

    response.close = closing
