"""Who may do what over REST: what each operation takes, and what a key gives."""

import re
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework_api_key.permissions import KeyParser

from catalog.models import ApiKey, Product, Scope

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView

Scopes = dict[str, Scope | None]
READING: Final[Scopes] = {"GET": None}  # anybody


def reading_and(scope: Scope, *methods: str) -> Scopes:
    """Anybody reads; these methods take a key with the scope."""
    return {**READING, **dict.fromkeys(methods, scope)}


class Scoped(BasePermission):
    """An operation takes the scope that its view declares in `scopes`; None: nothing. What declares none is closed."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if request.method == "OPTIONS":  # describes the endpoint
            return True
        method = "GET" if request.method == "HEAD" else str(request.method)
        scopes: Scopes = getattr(view, "scopes", {})
        if method not in scopes:
            # A method that the view does not have is told so by the view; one without a declaration is closed.
            return not hasattr(view, method.lower())
        needed = scopes[method]
        if needed is None:
            return True
        key = api_key(request)
        if key is None:
            self.message = f"This takes an API key with the scope {needed.value}: `Authorization: Api-Key …`."
        elif not key.may(needed):
            why = "is one store’s, and cannot have it" if key.store_id and needed in key.scopes else "does not have it"
            self.message = f"This takes the scope {needed.value}; the key “{key}” {why}."
        return key is not None and key.may(needed)

    def has_object_permission(self, request: Request, view: "APIView", obj: Any) -> bool:
        if request.method in SAFE_METHODS or not isinstance(obj, Product):
            return True
        key = api_key(request)
        if key is None or key.store_id is None or obj.store_id == key.store_id:
            return True
        self.message = outside(key)
        return False


def outside(key: ApiKey) -> str:
    """The sentence for a key of one store that writes what is not that store's."""
    return f"The key “{key}” writes products of the store “{key.store}” alone."


def check_store(request: Request, store_id: int | None) -> None:
    """Raise PermissionDenied where the key is one store's and `store_id` is another."""
    key = api_key(request)
    if key is not None and key.store_id is not None and store_id != key.store_id:
        raise PermissionDenied(outside(key))


def may(request: Request, scope: Scope) -> bool:
    """Whether the request carries a key that may be used for this."""
    key = api_key(request)
    return key is not None and key.may(scope)


def sees_all(request: Request) -> bool:
    """Whether the request carries a key that sees what is not in the shop, of whichever store it is."""
    key = api_key(request)
    return key is not None and key.store_id is None and key.may(Scope.CATALOG_READ)


def seen_products(request: Request, product: str = "") -> Q:
    """The condition that the request sees a product: it is published, of the key's own store, or it sees all.

    `product` is the lookup that leads to it.
    """
    if sees_all(request):
        return Q()
    lead = f"{product}__" if product else ""
    seen = Q(**{f"{lead}status": Product.Status.PUBLISHED})
    key = api_key(request)
    if key is not None and key.may(Scope.CATALOG_READ):
        seen |= Q(**{f"{lead}store_id": key.store_id})
    return seen


def api_key(request: Request) -> ApiKey | None:
    """Return the valid API key that the request carries, if any. Looked up once a request."""
    django_request: Any = request._request
    if not hasattr(django_request, "vetrina_api_key"):
        django_request.vetrina_api_key = _find_key(request)
    found: ApiKey | None = django_request.vetrina_api_key
    return found


_KEY = re.compile(r"[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}")


def _find_key(request: Request) -> ApiKey | None:
    text = KeyParser().get(request._request)
    # What is no key at all is not looked up; that tells nobody which keys there are.
    return ApiKey.objects.find(text) if text and _KEY.fullmatch(text) else None
