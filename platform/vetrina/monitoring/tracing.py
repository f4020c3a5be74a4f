"""Spans of requests, tasks and calls to the vector store for OpenTelemetry, where TRACING asks for them.

Where they go is for the variables of its specification to say (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME and the
others). Needs `pip install -e '.[otel]'`; `vetrina.checks` says so where that is missing.
"""

import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

PACKAGES = (
    "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http", "opentelemetry.instrumentation.django",
    "opentelemetry.instrumentation.celery", "opentelemetry.instrumentation.httpx",
)  # fmt: skip
_started = False


def start_if_asked() -> None:
    """Begin to trace in this process, once. A fork inherits it: the exporter's thread starts anew in the child."""
    global _started
    if not settings.TRACING or _started:
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    _started = True
    os.environ.setdefault("OTEL_SERVICE_NAME", "vetrina")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    instrument(provider)


def instrument(provider: Any) -> None:
    """Make spans of requests, tasks and outgoing calls, without what is personal in them."""
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    DjangoInstrumentor().instrument(tracer_provider=provider, response_hook=_without_person)
    CeleryInstrumentor().instrument(tracer_provider=provider)
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)


# What a span of a request says of the words of a search, and of who sent it.
WITH_QUERY = ("http.url", "url.full", "http.target")
PERSONAL = (
    "url.query", "net.peer.ip", "net.peer.name", "client.address", "network.peer.address", "http.client_ip",
    "http.user_agent", "user_agent.original",
)  # fmt: skip


def _without_person(span: Any, request: Any, response: Any) -> None:
    attributes = getattr(span, "attributes", None) or {}
    for name in attributes.keys() & {*WITH_QUERY, *PERSONAL}:
        span.set_attribute(name, urlsplit(str(attributes[name])).path if name in WITH_QUERY else "")
