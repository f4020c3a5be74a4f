"""What the OpenAPI description allows and what it forbids, sent to every operation, with an API key and without.

No answer is a 5xx, and each is as the description says: its status, its type, its headers and its body. The suite tries
few examples of each; `make fuzz` tries many (FUZZ_EXAMPLES), other ones each time, and writes what it counted to var/.
"""

import json
import os
import warnings
from collections import Counter
from collections.abc import Iterator

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks, not_a_server_error
from schemathesis.core.failures import FailureGroup

from tests.conftest import ROOT
from tests.keys import authorization

load_all_checks()
CONFORMS = [
    not_a_server_error,
    *CHECKS.get_by_names(
        [
            "status_code_conformance",
            "content_type_conformance",
            "response_headers_conformance",
            "response_schema_conformance",
        ]
    ),
]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1"))
LONG = "FUZZ_EXAMPLES" in os.environ
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
    database=None,
)
LEAST = 44  # operations


@pytest.fixture
def _open_connection() -> Iterator[None]:
    """A request over WSGI closes its connection at the end, and the test's transaction with it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def wrong_with(operation, mode: GenerationMode, clients: dict[str, dict[str, str]], counted: Counter[str]) -> str:
    """Try examples of one operation as each client; says what an answer had that is not described, or empty."""

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case):
        for who, headers in clients.items():
            cache.clear()
            with transaction.atomic():  # what one example deletes, the next one meets
                answer = case.call(headers=headers)
                transaction.set_rollback(True)
            counted[f"{mode.value}, {who}: {answer.status_code // 100}xx"] += 1
            case.validate_response(answer, checks=CONFORMS)

    try:
        holds()
    except Unsatisfiable:  # where nothing is refused there is nothing wrong to be sent
        counted["nothing to be sent"] += 1
    except (Exception, FailureGroup) as error:  # all of them are told together
        told = "; ".join(f"{each.title}: {each.message}" for each in getattr(error, "exceptions", [])) or repr(error)
        return f"{operation.method.upper()} {operation.path} ({mode.value}): {told[:1500]}"
    return ""


@pytest.mark.slow
@pytest.mark.usefixtures("_open_connection")
def test_every_operation_answers_as_it_is_described(shop, monkeypatch) -> None:
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda *args, **options: None)
    clients = {"with a key": {"Authorization": authorization()}, "without": {}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", get_wsgi_application())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= LEAST
    counted: Counter[str] = Counter()
    tried = [(operation, mode) for operation in operations for mode in GenerationMode]
    wrong = [told for operation, mode in tried if (told := wrong_with(operation, mode, clients, counted))]
    asked = sum(counted.values())
    if LONG:
        figures = {"operations": len(operations), "requests": asked, "wrong": wrong, **dict(sorted(counted.items()))}
        (ROOT / "var" / "fuzz.json").write_text(json.dumps(figures, indent=1))
    assert not wrong, "\n\n".join(wrong)
    assert not [each for each in counted if each.endswith("5xx")]
    assert asked > 2 * len(operations)
