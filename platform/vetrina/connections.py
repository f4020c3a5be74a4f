"""What Django and Celery are told of the database, the cache and the broker that an address names.

Each gets bounds on how long it may keep silent, since a machine that is gone refuses nothing.
"""

from pathlib import Path
from typing import Any

SQLITE = {
    # One writer at a time: take the write lock at BEGIN, so that two writers wait instead of failing at upgrade.
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    # synchronous=FULL: in WAL mode NORMAL may lose the last commits at a power cut, and those were acknowledged.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-64000;",
}
# The kernel would believe in a connection to a machine that is gone for two hours. Seconds; the last: milliseconds.
POSTGRESQL = {"connect_timeout": 5, "keepalives_idle": 15, "keepalives_interval": 5, "tcp_user_timeout": 30_000}


def database(given: dict[str, Any], *, patience: float, max_age: int) -> dict[str, Any]:
    """An entry of DATABASES from what its address says.

    `patience`: seconds that one statement may keep silent on PostgreSQL; 0: as long as it likes. `max_age`: seconds
    that a connection is kept.
    """
    options = given.get("OPTIONS", {})
    made = given | {"CONN_MAX_AGE": max_age}
    match given["ENGINE"]:
        case "django.db.backends.sqlite3":
            return made | {"OPTIONS": options | SQLITE}
        case "django.db.backends.postgresql":
            made |= {"ENGINE": "vetrina.postgresql", "OPTIONS": POSTGRESQL | options | {"patience": patience}}
    return made | {"CONN_HEALTH_CHECKS": True}


def cache(given: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """An entry of CACHES. `seconds`: that Redis may take to connect, and to answer."""
    # The shop is part of each key, but of those that say they are everybody's.
    made = given | {"KEY_FUNCTION": "catalog.per_shop.cache_key"}
    match given["BACKEND"]:
        case "django.core.cache.backends.locmem.LocMemCache":
            return made | {"BACKEND": "vetrina.cache.LocMemCache"}  # which the clock does not matter to
        case "django.core.cache.backends.redis.RedisCache":
            bounds = {"socket_connect_timeout": seconds, "socket_timeout": seconds, "retry": None}
            options = given.get("OPTIONS", {}) | bounds
            return made | {"BACKEND": "vetrina.cache.RedisCache", "OPTIONS": options}  # goes on without its server
    return made


def broker(url: str, *, home: Path, seconds: float) -> tuple[str, dict[str, Any]]:
    """CELERY_BROKER_URL and CELERY_BROKER_TRANSPORT_OPTIONS.

    `url` empty: a broker made of files in home/broker, which needs no server. It may lose messages when a worker dies;
    the outbox is the truth, so a lost message costs one sweep. `seconds`: that a broker may take to connect, and to
    answer; this is also how long a worker waits for an answer, and Redis holds its question for a message open for one
    second.
    """
    if not url:
        messages, control = home / "broker" / "messages", home / "broker" / "control"
        for folder in (messages, control):
            folder.mkdir(parents=True, exist_ok=True)
        folders = {"data_folder_in": str(messages), "data_folder_out": str(messages), "control_folder": str(control)}
        return "filesystem://localhost/", folders | {"polling_interval": 0.2}
    if url.startswith(("redis", "sentinel")):
        return url, {"socket_connect_timeout": seconds, "socket_timeout": 1 + seconds}
    if url.startswith(("amqp", "pyamqp")):
        return url, {"read_timeout": 1 + seconds, "write_timeout": 1 + seconds}
    return url, {}
