"""Spans of OpenTelemetry, where the extra is installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.instrumentation.django")
pytestmark = [pytest.mark.slow, pytest.mark.own_parts]
ROOT = Path(__file__).resolve().parents[2]

# In a process of its own: what is instrumented stays so for all tests that follow.
REQUEST = """
import json
import django
django.setup()
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from vetrina.monitoring import tracing
spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
tracing.instrument(provider)
from django.test import Client
Client().get("/healthz?q=secret+wish", REMOTE_ADDR="8.8.8.8", HTTP_USER_AGENT="Personal/1", HTTP_HOST="localhost")
print(json.dumps([[span.name, dict(span.attributes)] for span in spans.get_finished_spans()], default=str))
"""


def _run(tmp_path: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join((str(ROOT / "platform"), str(ROOT)))
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "vetrina.settings"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**base, "VETRINA_HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_request_makes_a_span_that_says_nothing_of_its_sender(tmp_path: Path) -> None:
    done = _run(tmp_path, REQUEST)
    assert done.returncode == 0, done.stderr
    told = done.stdout.strip().splitlines()[-1]
    assert "healthz" in told
    assert not [each for each in ("secret", "8.8.8.8", "Personal") if each in told], told


def test_nothing_is_traced_unless_asked_for(tmp_path: Path) -> None:
    code = "import sys, django; django.setup(); print('opentelemetry.sdk' in sys.modules)"
    assert _run(tmp_path, code).stdout.strip() == "False"
    asked = _run(tmp_path, code, TRACING="true", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert asked.stdout.strip() == "True", asked.stderr
