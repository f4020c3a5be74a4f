"""PostgreSQL for processes that somebody waits for: a server that keeps silent is given up after a while.

`statement_timeout` is the server's own to keep, and a server that hangs keeps nothing; the driver waits for ever. Here
the driver gives up after OPTIONS["patience"] seconds without an answer to a statement, and closes the connection, as
nobody can tell what will still come over it. Who finds a server silent again and again does not try for a moment, so
that not each request waits for it (a circuit breaker). Without `patience` it is Django's own backend.
"""

import threading
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.errors import _WaitTimeout

from catalog.breaker import Breaker

FAILURES, WINDOW_SECONDS, REST_SECONDS = 3, 30.0, 2.0

_lock = threading.Lock()
_breakers: dict[str, Breaker] = {}


class ImpatientConnection(psycopg.Connection[Any]):
    """Raises OperationalError, and is closed, where a statement has no answer after `patience` seconds."""

    patience: float
    breaker: Breaker

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except _WaitTimeout as error:
            self.breaker.failed()
            self.close()
            text = f"The database did not answer within {self.patience:g} seconds."
            raise psycopg.OperationalError(text) from error


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params.pop("patience", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        patience = float(self.settings_dict["OPTIONS"].get("patience") or 0)
        if not patience:
            return super().get_new_connection(conn_params)
        breaker = _breaker_of(f"{conn_params.get('host')}:{conn_params.get('port')}")
        if not breaker.admits():
            raise psycopg.OperationalError("The database did not answer lately, so it is not asked for a moment.")
        try:
            connection = super().get_new_connection(conn_params)
        except BaseException:
            breaker.failed()
            raise
        breaker.succeeded()
        # The backend asks the driver's module for a connection and lets nobody choose its class.
        connection.__class__ = ImpatientConnection
        connection.patience, connection.breaker = patience, breaker
        return connection


def _breaker_of(server: str) -> Breaker:
    """One for each server, whichever thread asks: what one found out, the others need not."""
    with _lock:
        if server not in _breakers:
            _breakers[server] = Breaker(failures=FAILURES, window=WINDOW_SECONDS, rest=REST_SECONDS)
        return _breakers[server]
