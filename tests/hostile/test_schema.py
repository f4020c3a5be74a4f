"""What the OpenAPI description allows, and what it forbids, sent to every operation: never a 5xx.

Those of the catalogue are asked, with a key, in tests/catalog/api/test_no_server_errors.py; here are all others.
"""

import warnings
from collections.abc import Iterator

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error

from tests.catalog.api.test_no_server_errors import MINE as CATALOGUE

BOUNDED = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


@pytest.fixture
def _open_connection() -> Iterator[None]:
    """A request over WSGI closes its connection at the end, and the test's transaction with it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.slow
@pytest.mark.usefixtures("_open_connection")
def test_by_schema(shop):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", get_wsgi_application())
    operations = [found.ok() for found in schema.exclude(path_regex=CATALOGUE).get_all_operations()]
    assert {each.path.split("/")[3] for each in operations} == {"events", "recommendations", "search", "suggest"}
    for operation in operations:

        @BOUNDED
        @given(case=operation.as_strategy())
        def holds(case):
            cache.clear()
            case.call_and_validate(checks=[not_a_server_error])

        holds()
