"""What is known of each request: its id in every log line, its route, status and time in the metrics."""

import logging
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Gauge, Histogram

from vetrina.monitoring.logs import request_id_from

log = logging.getLogger("vetrina.request")

HEADER = "X-Request-ID"
PROBES = {"healthz", "readyz", "metrics"}  # asked every few seconds by machines
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REQUESTS = Counter("vetrina_requests", "Requests by route, method and status.", ["route", "method", "status"])
SECONDS = Histogram("vetrina_request_seconds", "Time until a response begins.", ["route", "method"], buckets=BUCKETS)
REFUSED = Counter("vetrina_requests_refused", "Requests that were told to come again before they were looked at.")
IN_PROGRESS = Gauge("vetrina_requests_in_progress", "Requests being worked on.", multiprocess_mode="livesum")


def watched(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, the first of all: what a later one refuses is counted too."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request_id = request_id_from(request.headers.get(HEADER, ""))
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id), IN_PROGRESS.track_inprogress():
            response = get_response(request)
            _tell(request, response, time.perf_counter() - started)
            structlog.contextvars.unbind_contextvars("shop")  # where one was found: see catalog.hosts
        response[HEADER] = request_id
        return response

    return middleware


def _tell(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    # The route and never the path: paths name products and pages that nobody counted, and labels must stay few.
    match = request.resolver_match
    route = (match.route or "/") if match else "unmatched"
    method = request.method if request.method in METHODS else "other"
    REQUESTS.labels(route, method, str(response.status_code)).inc()
    SECONDS.labels(route, method).observe(seconds)
    log.log(
        logging.DEBUG if route in PROBES else logging.INFO,
        "Answered",
        extra={"method": method, "route": route, "status": response.status_code, "took_ms": round(seconds * 1000, 1)},
    )
