"""Who may do what over REST."""

from typing import TYPE_CHECKING, Any, cast

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle
from rest_framework_api_key.models import APIKey
from rest_framework_api_key.permissions import KeyParser

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView


class ReadOrWriteWithKey(BasePermission):
    """Anybody reads; a write takes an API key (`Authorization: Api-Key …`), made by an administrator in the admin."""

    message = "Writing takes an API key: send it as `Authorization: Api-Key …`."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return request.method in SAFE_METHODS or has_key(request)


def has_key(request: Request) -> bool:
    """Whether the request carries a valid API key. Asked once a request, however often it is called."""
    return api_key(request) is not None


def api_key(request: Request) -> APIKey | None:
    """Return the valid API key that the request carries, if any."""
    django_request: Any = request._request
    if not hasattr(django_request, "vetrina_api_key"):
        django_request.vetrina_api_key = _find_key(request)
    found: APIKey | None = django_request.vetrina_api_key
    return found


def _find_key(request: Request) -> APIKey | None:
    text = KeyParser().get(request._request)
    if not text or "\x00" in text or not APIKey.objects.is_valid(text):
        return None
    try:
        return cast(APIKey, APIKey.objects.get_from_key(text))
    except APIKey.DoesNotExist:  # revoked between the two questions
        return None


class AnonymousThrottle(AnonRateThrottle):
    """Limits those without an API key. A shop's own systems write thousands of products in a row."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        return has_key(request) or super().allow_request(request, view)
