"""Which tests could differ on other parts, and each process's share of these parts: a plugin of tests/real_parts.py.

A plugin comes before the settings are read, so each process of a distributed run, and what its tests start, has
databases of Redis of its own. Those of PostgreSQL are pytest-django's work, with the process's name in theirs.
"""

import os

import pytest

# Of Redis, for each process: cache and broker of its tests, then a pair for each shop that has processes of its own.
REDIS_DATABASES = 16
ASKING = {"db", "transactional_db", "django_db_setup", "live_server"}  # fixtures

if broker := os.environ.get("TESTS_REDIS", ""):  # host:port
    _first = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) * REDIS_DATABASES
    os.environ["CACHE_URL"] = f"rediscache://{broker}/{_first}"
    os.environ["CELERY_BROKER_URL"] = f"redis://{broker}/{_first + 1}"


def asks_for_parts(item: pytest.Item) -> bool:
    """Whether database, cache or broker can make a difference to a test.

    pytest-django lets no test at the database that does not ask for it, by mark or fixture, and `_parts_are_asked_for`
    of conftest.py lets none of the others at cache and broker, nor start a process. Those with the mark `own_parts`
    start processes on parts that they bring themselves, the same in every run.
    """
    if item.get_closest_marker("own_parts"):
        return False
    asking = ASKING & set(getattr(item, "fixturenames", ()))
    return bool(asking or item.get_closest_marker("django_db") or item.get_closest_marker("parts"))


def pytest_configure() -> None:
    from django.db import connections

    if template := os.environ.get("TESTS_TEMPLATE", ""):  # a database on which all migrations were run, once
        connections["default"].settings_dict["TEST"]["TEMPLATE"] = template


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = [item for item in items if asks_for_parts(item)]
    config.hook.pytest_deselected(items=[item for item in items if not asks_for_parts(item)])
    items[:] = chosen
