"""A wrong setting is reported at start, by a sentence."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.nursery import ROOT, essential, start

pytestmark = pytest.mark.own_parts
starts_anew = pytest.mark.slow  # each of these starts Django in a process of its own


def check(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py check` as a new process: settings are read once in a process."""
    own = essential() | {"VETRINA_HOME": str(tmp_path)} | environment
    return start("manage.py", "check", *arguments, **own)


PRODUCTION = {
    "VETRINA_MODE": "production",
    "SECRET_KEY": "k3Jx9-" * 12,
    "ALLOWED_HOSTS": "shop.example",
    "DATABASE_URL": "postgres://vetrina:secret@db.example/vetrina",
    "CACHE_URL": "rediscache://cache.example/1",
    "QDRANT_URL": "https://vectors.example",
    "QDRANT_API_KEY": "secret",
    "CELERY_BROKER_URL": "redis://cache.example/0",
}


@starts_anew
def test_defaults_are_sound(tmp_path):
    result = check(tmp_path, "--fail-level", "WARNING")
    assert result.returncode == 0, result.stderr


@starts_anew
def test_production_mode_is_clean_for_deployment(tmp_path):
    result = check(tmp_path, "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert result.returncode == 0, result.stderr


@starts_anew
@pytest.mark.parametrize(
    ("environment", "identifier"),
    [
        ({"VETRINA_MODE": "staging"}, "vetrina.E001"),
        ({**PRODUCTION, "SECRET_KEY": "short"}, "vetrina.E002"),
        ({"QDRANT_QUANTIZATION": "octal"}, "vetrina.E013"),
        ({"QDRANT_READ_CONSISTENCY": "most"}, "vetrina.E014"),
        ({"QDRANT_WRITE_CONSISTENCY": "2"}, "vetrina.E015"),
        ({"QDRANT_BREAKER_REST_SECONDS": "0"}, "vetrina.E016"),
        ({**PRODUCTION, "DEBUG": "true"}, "vetrina.E003"),
        ({**PRODUCTION, "ALLOWED_HOSTS": "*"}, "vetrina.E004"),
        ({"QDRANT_API_KEY": "secret"}, "vetrina.E010"),
        ({"QDRANT_URL": "localhost:6333"}, "vetrina.E012"),
        ({"ENCODER_RUNTIME": "tensorflow"}, "vetrina.E020"),
        ({"ENCODER_DEVICE": "gpu"}, "vetrina.E022"),
        ({"ENCODER_DEVICE": "cuda", "ENCODER_RUNTIME": "openvino"}, "vetrina.E023"),
        ({"TEXT_ENCODER": "/nowhere/bert"}, "vetrina.E025"),
        ({"OUTBOX_BATCH": "0"}, "vetrina.E030"),
        ({"SPONSORED_FLOOR": "1.5"}, "vetrina.E060"),
        ({"SPONSORED_RESERVE": "-1"}, "vetrina.E061"),
        ({"SPONSORED_RETENTION_DAYS": "1"}, "vetrina.E062"),
        ({"SPONSORED_CLICK_RATE": "many"}, "vetrina.E063"),
        ({"SPONSORED_PER_STORE": "0"}, "vetrina.E064"),
        ({"EVENT_RETENTION_DAYS": "-1"}, "vetrina.E050"),
        ({"EVENTS_PER_MINUTE": "0"}, "vetrina.E050"),
        ({"EVENT_RETENTION_DAYS": "3", "EVENT_MAX_AGE_DAYS": "7"}, "vetrina.E051"),
        ({"RECOMMEND_TABLES_SECONDS": "0"}, "vetrina.E070"),
        ({"RECOMMEND_BRAND_CAP": "0"}, "vetrina.E070"),
        ({"RECOMMEND_RELEVANCE": "7"}, "vetrina.E071"),
        ({"SEARCH_RERANKER": "no.such"}, "vetrina.E072"),
        ({"SEARCH_SHOPPER": "recommend.serving.reranking.__name__"}, "vetrina.E072"),
        ({"PROXIES": "-1"}, "vetrina.E080"),
        ({"LOG_FORMAT": "xml"}, "vetrina.E090"),
        ({"METRICS_TOKEN": "short"}, "vetrina.E091"),
        ({"API_RATE_ANONYMOUS": "many"}, "vetrina.E081"),
        ({"OUTBOX_LEASE_SECONDS": "5", "OUTBOX_SWEEP_SECONDS": "5"}, "vetrina.E031"),
    ],
)
def test_a_contradiction_stops_the_start(tmp_path, environment, identifier):
    result = check(tmp_path, **environment)
    assert result.returncode == 1
    assert identifier in result.stderr


@starts_anew
@pytest.mark.parametrize("process", [("worker", "--pool", "solo", "--queues", "nothing"), ("beat",)])
def test_no_worker_runs_on_a_contradiction(tmp_path, process):
    own = essential() | {"VETRINA_HOME": str(tmp_path), "EVENT_RETENTION_DAYS": "-1"}
    result = start("-m", "celery", "-A", "vetrina", *process, **own)
    assert result.returncode == 1
    assert "EVENT_RETENTION_DAYS is -1" in result.stderr


@starts_anew
def test_what_is_off_or_just_at_its_limit_is_sound(tmp_path):
    limits = {"EVENT_RETENTION_DAYS": "7", "EVENT_MAX_AGE_DAYS": "7", "RECOMMEND_RELEVANCE": "1", "SEARCH_SHOPPER": ""}
    assert check(tmp_path, **limits, SEARCH_RERANKER="", SEARCH_PERSONAL_MAX_MOVE="0").returncode == 0
    assert check(tmp_path, EVENT_RETENTION_DAYS="0", SPONSORED_RETENTION_DAYS="0").returncode == 0


def test_every_setting_of_the_environment_is_documented():
    code = "".join(path.read_text() for path in (ROOT / "platform/vetrina").rglob("*.py"))
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', code))
    documented = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    assert read - documented == set()
    read_elsewhere = {"WEB_CONCURRENCY", "WEB_THREADS", "WEB_QUEUE", "WEB_QUEUE_SECONDS", "VETRINA_SHOP"}
    assert documented - read - read_elsewhere == set()
