"""How often REST may be asked, by key and by address. Beyond it the answer is 429 with Retry-After."""

from typing import Any

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS

from catalog.api.permissions import api_key
from catalog.api.throttles import RateThrottle
from catalog.models import ApiKey, Scope


class _Limit(RateThrottle):
    """Reads its rate from the settings; a request whose key has no limit here is let through uncounted."""

    setting: str

    def get_rate(self) -> str:
        return str(getattr(settings, self.setting))

    def allow_request(self, request: Any, view: Any) -> bool:
        key = api_key(request)
        return not self.concerns(key) or _is_unlimited(key, request, view) or super().allow_request(request, view)

    def concerns(self, key: ApiKey | None) -> bool:
        raise NotImplementedError

    def get_cache_key(self, request: Any, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class AnonymousLimit(_Limit):
    """Of an address that sends no valid key."""

    scope, setting = "anonymous", "API_RATE_ANONYMOUS"

    def concerns(self, key: ApiKey | None) -> bool:
        return key is None


class AddressLimit(_Limit):
    """Of an address, by all keys that it sends."""

    scope, setting = "address", "API_RATE_ADDRESS"

    def concerns(self, key: ApiKey | None) -> bool:
        return key is not None


class KeyLimit(AddressLimit):
    """Of a key, from all addresses that send it."""

    scope, setting = "key", "API_RATE_KEY"

    def get_cache_key(self, request: Any, view: Any) -> str:
        key = api_key(request)
        return self.cache_format % {"scope": self.scope, "ident": key.pk if key else ""}


LIMITS: list[Any] = [AnonymousLimit, AddressLimit, KeyLimit]


def _is_unlimited(key: ApiKey | None, request: Any, view: Any) -> bool:
    """Whether the key has the scope that lifts the limit of this view: of its reads, and of what anybody may post."""
    public = request.method in SAFE_METHODS or getattr(view, "scopes", {}).get(request.method, key) is None
    return key is not None and public and key.may(getattr(view, "unlimited_with", Scope.READ_UNLIMITED))
