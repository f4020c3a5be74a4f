"""Who may do what over REST."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework_api_key.permissions import HasAPIKey

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView


class ReadOrWriteWithKey(BasePermission):
    """Anybody reads; a write takes an API key (`Authorization: Api-Key …`), which an administrator makes in the admin."""

    message = "Writing takes an API key: send it as `Authorization: Api-Key …`."

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return request.method in SAFE_METHODS or HasAPIKey().has_permission(request, view)
