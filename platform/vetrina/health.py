"""What operators probe: alive, ready, and numbers for Prometheus."""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """The process can serve: database and vector store answer. 503 names what does not."""
    from search.index.client import get_client

    parts: dict[str, str] = {}
    for name, probe in {
        "database": connection.ensure_connection,
        "vectors": lambda: get_client().get_collections(),
    }.items():
        try:
            probe()
            parts[name] = "ok"
        except Exception as error:
            parts[name] = type(error).__name__
    ready = all(state == "ok" for state in parts.values())
    return JsonResponse({"ready": ready, "parts": parts}, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
