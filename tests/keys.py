"""API keys for tests."""

from typing import Any

from catalog.models import ApiKey, Scope
from catalog.models.keys import written


def make_key(*scopes: Scope, **more: Any) -> str:
    """The text of a new key with these scopes; without any, with all of them."""
    _, text = ApiKey.objects.create_key(**{"name": "tests", "scope": written(scopes or Scope), **more})
    return text


def authorization(*scopes: Scope, **more: Any) -> str:
    """The value of the header."""
    return f"Api-Key {make_key(*scopes, **more)}"
