"""What all views of the catalogue share: pages, errors in the right class, and who reads what."""

from typing import Any, NoReturn

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError
from django.db.models import ProtectedError
from rest_framework import status
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.limits import LIMITS
from catalog.api.parsing import StrictJSONParser
from catalog.api.permissions import Scoped, Scopes


class Pages(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "It conflicts with what is stored."
    default_code = "conflict"


class EscapingRenderer(JSONRenderer):
    ensure_ascii = True


class TextSafeRenderer(JSONRenderer):
    """JSON also of errors that quote what no encoding can write: lone surrogates are escaped as they came."""

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        try:
            return super().render(data, accepted_media_type, renderer_context)
        except UnicodeEncodeError:
            return EscapingRenderer().render(data, accepted_media_type, renderer_context)


class CatalogueView(APIView):
    """Base of the catalogue's views. Each says in `scopes` what its methods take."""

    scopes: Scopes = {}
    permission_classes = [Scoped]
    throttle_classes = LIMITS
    parser_classes: Any = [StrictJSONParser]
    renderer_classes = [TextSafeRenderer]
    pagination_class: Any = Pages

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        # What is refused counts as well: nobody tries keys without a limit.
        self.check_throttles(request)
        # Not the framework's "credentials were not provided": the message says which ones.
        raise PermissionDenied(message, code)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, DjangoValidationError):
            exc = ValidationError(exc.message_dict if hasattr(exc, "error_dict") else {"detail": exc.messages})
        elif isinstance(exc, ProtectedError):
            exc = Conflict(f"{len(exc.protected_objects):,} other rows depend on it; move or delete those first.")
        elif isinstance(exc, IntegrityError):
            exc = Conflict("Another request was faster, or a value that must be unique is taken.")
        return super().handle_exception(exc)


class StrictQuery:
    """Refuses query parameters that nobody reads: a filter with a typing error would silently show everything."""

    def filter_queryset(self, queryset: Any) -> Any:
        known = {"page", "page_size", "ordering", "format"}
        filterset = getattr(self, "filterset_class", None)
        if filterset is not None:
            known |= set(filterset.base_filters)
        if unknown := self.request.query_params.keys() - known:  # type: ignore[attr-defined]
            raise ValidationError({name[:100]: ["Unknown parameter."] for name in sorted(unknown)})
        return super().filter_queryset(queryset)  # type: ignore[misc]
