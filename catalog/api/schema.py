"""What OpenAPI says of each operation: whether it takes a key, and with which scope."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from catalog.api.permissions import Scopes

SCHEME = "ApiKey"  # as SPECTACULAR_SETTINGS describes it


class ScopedSchema(AutoSchema):
    """OpenAPI 3.0 lists scopes of OAuth 2 alone, so that of an operation is in `x-scope` and in its description."""

    def get_auth(self) -> list[dict[str, Any]]:
        return [{SCHEME: []}] if self._scope() else [{}, {SCHEME: []}]

    def get_operation(self, *args: Any, **options: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **options)
        if operation and (scope := self._scope()):
            said = operation.get("description", "")
            operation["x-scope"] = scope
            operation["description"] = f"{said}\n\nTakes a key with the scope `{scope}`.".strip()
        return operation

    def _scope(self) -> str | None:
        scopes: Scopes = getattr(self.view, "scopes", {})
        scope = scopes.get(self.method)
        return scope.value if scope else None
