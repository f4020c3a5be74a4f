"""What an address of a database, a cache or a broker turns into."""

import environ
import pytest
from django.db import connection
from django.test import override_settings

from vetrina import connections

SECONDS = 0.7


def database(url: str, **given: float) -> dict:
    return connections.database(environ.Env.db_url_config(url), **({"patience": 0, "max_age": 60} | given))


def test_postgresql_is_not_waited_for_without_an_end() -> None:
    made = database("postgres://a:b@db/shop", patience=4)
    assert made["ENGINE"] == "vetrina.postgresql"
    assert {"connect_timeout", "keepalives_idle", "tcp_user_timeout"} <= made["OPTIONS"].keys()
    assert made["OPTIONS"]["patience"] == 4
    assert made["CONN_HEALTH_CHECKS"]


def test_what_the_address_says_goes_before_the_defaults() -> None:
    made = database("postgres://a:b@db/shop?connect_timeout=9&sslmode=require")
    assert made["OPTIONS"]["connect_timeout"] in (9, "9")
    assert made["OPTIONS"]["sslmode"] == "require"


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="asks the SQLite that the tests run on")
@pytest.mark.django_db
def test_sqlite_loses_no_commit_at_a_power_cut() -> None:
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize(
    ("url", "keys"),
    [
        ("redis://h:1/1", {"socket_connect_timeout", "socket_timeout"}),
        ("sentinel://h:1", {"socket_connect_timeout", "socket_timeout"}),
        ("amqp://h", {"read_timeout", "write_timeout"}),
        ("memory://", set()),
    ],
)
def test_a_broker_is_waited_for_within_bounds(tmp_path, url: str, keys: set[str]) -> None:
    kept, options = connections.broker(url, home=tmp_path, seconds=SECONDS)
    assert kept == url
    assert options.keys() == keys
    assert all(SECONDS <= value <= 1 + SECONDS for value in options.values())


def test_without_an_address_the_broker_is_made_of_files(tmp_path) -> None:
    url, options = connections.broker("", home=tmp_path, seconds=SECONDS)
    assert url.startswith("filesystem:")
    assert (tmp_path / "broker" / "messages").is_dir()
    assert options["data_folder_in"] == options["data_folder_out"]


@pytest.mark.parametrize("url", ["locmemcache://", "rediscache://h:1/2", "dummycache://"])
def test_every_cache_has_the_shop_in_its_keys(url: str) -> None:
    made = connections.cache(environ.Env.cache_url_config(url), seconds=SECONDS)
    assert made["KEY_FUNCTION"] == "catalog.per_shop.cache_key"
    with override_settings(CACHES={"default": made}):  # Django takes it
        from django.core.cache import caches

        assert caches["default"].key_func.__name__ == "cache_key"
