"""What visitors get while the database is away, refuses, is read-only or full: a sentence, and when to come again.

It is `handler500`, which Django asks for whatever nobody caught: of a view, of a middleware, of a template on its way.
"""

import errno
import logging
import sys
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import Error, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.http import escape_leading_slashes
from django.views.defaults import server_error as plain_server_error

from vetrina.content_policy import ContentPolicy

log = logging.getLogger(__name__)

RETRY_SECONDS = 5
READ_ONLY = "25006"
# Classes of SQLSTATE (PostgreSQL's manual, appendix A): connection, rolled back for another's sake, resources (a full
# disk is one), somebody else's lock, an operator's doing, the system's, the server's own fault.
POSTGRESQL = ("08", "40", "53", "55", "57", "58", "XX")
# SQLite's primary result codes: busy, locked, no memory, read-only, I/O, corrupt, full, cannot open, protocol, no
# database. 1 is an error of the statement, as a missing table is, and so a fault of ours.
SQLITE = {5, 6, 7, 8, 10, 11, 13, 14, 15, 26}
SQLITE_CANNOT_WRITE = {8, 13}
STORAGE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}

AWAY = "The shop's database does not answer at the moment. Please try again in a few seconds."
CANNOT_WRITE = "The shop can be looked at, but nothing can be stored at the moment. Please try again in a few minutes."
BUSY = "There are more visitors at the moment than we can serve. Please try again in a few seconds."
UNSURE = "It is not certain that what was sent has been stored: send it again, or look first."


def sentence_of(error: BaseException | None) -> str:
    """What to tell of an error that is an outage's doing; empty for every other one, which is a fault of ours."""
    if isinstance(error, OSError):
        return CANNOT_WRITE if error.errno in STORAGE else ""
    if not isinstance(error, Error):
        return ""
    cause = error.__cause__ or error
    state, code = getattr(cause, "sqlstate", None), getattr(cause, "sqlite_errorcode", None)
    if state is not None:
        if state == READ_ONLY or state.startswith("53"):
            return CANNOT_WRITE
        return AWAY if state.startswith(POSTGRESQL) else ""
    if code is not None:
        primary = code & 0xFF
        return CANNOT_WRITE if primary in SQLITE_CANNOT_WRITE else AWAY if primary in SQLITE else ""
    # A driver that cannot tell has lost its connection, or never had one.
    return AWAY if isinstance(error, (OperationalError, InterfaceError)) else ""


def server_error(request: HttpRequest) -> HttpResponse:
    """A 503 with a sentence and Retry-After for an outage, in JSON below /api/; a 500 for anything else."""
    error = sys.exc_info()[1]
    sentence = sentence_of(error)
    if not sentence:
        return plain_server_error(request)
    log.warning("The database or the storage cannot serve: %s: %s", type(error).__name__, str(error).strip()[:300])
    sentences = [sentence] if request.method in ("GET", "HEAD", "OPTIONS") else [sentence, UNSURE]
    response = _told(request, sentences)
    response._has_been_logged = True  # type: ignore[attr-defined]  # one line is enough for what is nobody's fault
    return response


def overloaded(environ: dict[str, Any]) -> HttpResponse:
    """The same answer for a request that waited too long for its turn, and was never looked at."""
    return _told(WSGIRequest(environ), [BUSY])


def _told(request: HttpRequest, sentences: list[str]) -> HttpResponse:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    response: HttpResponse
    if request.path_info.startswith("/api/"):
        response = JsonResponse({"detail": " ".join(sentences)}, status=status)
    else:  # without the request: the context of the shop's other pages comes from the database
        context = {"shop_name": settings.SHOP_NAME, "sentences": sentences, "again": _again(request)}
        response = HttpResponse(render_to_string("503.html", context), status=status)
    response["Retry-After"], response["Cache-Control"] = str(RETRY_SECONDS), "no-store"
    # What comes from before the middleware of the policy never comes by it.
    with_policy: Any = ContentPolicy(lambda request: response)
    with_policy(request)
    return response


def _again(request: HttpRequest) -> str:
    """The address to try again: the page itself, unless it was sent something."""
    return escape_leading_slashes(request.get_full_path()) if request.method in ("GET", "HEAD") else "/"
