"""The Content-Security-Policy header, with what the admin's theme needs beyond the shop's."""

from typing import Any

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts

ADMIN = "/admin/"
# Alpine.js, which the theme's menus are written with, makes functions of the expressions in its attributes, and the
# theme sets styles in attributes. No script stands in a page itself, so scripts stay those of the shop's own files.
ADMIN_DIRECTIVES = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


class ContentPolicy(CSPMiddleware):
    def get_policy_parts(self, request: Any, response: Any, report_only: bool = False) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith(ADMIN):
            parts.update = {**(parts.update or {}), **ADMIN_DIRECTIVES}
        return parts
