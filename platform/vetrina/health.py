"""What operators probe: alive, ready and what is degraded, and numbers for Prometheus."""

import hmac
import ipaddress
import threading
import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from vetrina.monitoring import metrics as monitoring
from vetrina.monitoring import parts

KEPT_SECONDS = 2.0  # anybody may ask, so asking often costs no more
# Whoever set one of these passed on a request of somebody else, who may be anywhere.
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")

_lock = threading.Lock()
_kept: tuple[float, parts.Health] | None = None


def forget() -> None:
    global _kept
    _kept = None


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. It asks no other part: restarting this process would mend none of them."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether this process can serve at all, else 503; and in `degraded`, what visitors or operators are without."""
    health = _health()
    told = {
        "ready": health.ready,
        "degraded": [{"part": part.name, "detail": part.degraded} for part in health.degraded],
        "parts": {part.name: part.state for part in health.parts},
    }
    return JsonResponse(told, status=200 if health.ready else 503)


def _health() -> parts.Health:
    global _kept
    with _lock:
        if _kept is None or time.monotonic() - _kept[0] > KEPT_SECONDS:
            health = parts.look(everywhere=True)
            _kept = time.monotonic(), health
        return _kept[1]


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures of the business are nobody's but the operator's: METRICS_TOKEN as a bearer token, or the same machine."""
    if settings.METRICS_TOKEN:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), settings.METRICS_TOKEN.encode()):
            text = "Send METRICS_TOKEN as a bearer token.\n"
            response = HttpResponse(text, content_type="text/plain", status=401)
            response["WWW-Authenticate"] = "Bearer"
            return response
    elif settings.BEHIND_PROXY or not _from_this_machine(request):
        text = "Metrics are told to this machine alone; set METRICS_TOKEN to scrape them from another.\n"
        return HttpResponse(text, content_type="text/plain", status=403)
    return HttpResponse(monitoring.render(), content_type=CONTENT_TYPE_LATEST)


def _from_this_machine(request: HttpRequest) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False  # a socket of the file system, where a proxy is
