"""What was uploaded, where no web server or object store stands before the application."""

import posixpath
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.views.decorators.http import require_safe
from django.views.static import serve

from catalog.per_shop import in_own_folder

TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}  # what `catalog.verification` stores; nothing else is served, under whatever name it came to lie there


@require_safe
def uploaded(request: HttpRequest, path: str) -> Any:
    """A picture, with the type of its name, and as a page of its own that may do nothing."""
    kind = TYPES.get(PurePosixPath(path).suffix)
    if kind is None or not in_own_folder(posixpath.normpath(path).lstrip("/")):  # as `serve` will read it
        raise Http404("There is no such picture.")
    response = serve(request, path, str(settings.MEDIA_ROOT))
    if response.status_code == 200:
        response.headers["Content-Type"] = kind
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
