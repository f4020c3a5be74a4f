"""Rows wait in memory for a moment and are written together, by a thread: no search waits for the log, or fails by it.

Each process has its own. What waits is written when the process ends in the ordinary way; a process that is killed
loses at most SEARCH_LOG_SECONDS. While the database takes nothing, rows are kept up to MOST_WAITING and then let go.
"""

import atexit
import logging
import os
import threading
from collections import deque

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, connection, transaction

from catalog.tenancy import in_shop
from search.models import LoggedSearch

log = logging.getLogger(__name__)

BATCH = 200  # rows: so many are written without waiting any longer
MOST_WAITING = 10_000
AWAY = (OperationalError, InterfaceError, InternalError)  # the last is how PostgreSQL refuses while it is read-only


class _Waiting:
    def __init__(self) -> None:
        self.rows: deque[LoggedSearch] = deque()
        self.lock = threading.Lock()
        self.writing = threading.Lock()
        self.wake = threading.Event()
        self.thread: threading.Thread | None = None
        self.lost = 0


_waiting = _Waiting()


def write(row: LoggedSearch) -> None:
    """Hand a row over. Raises nothing. With SEARCH_LOG_SECONDS=0 it is written before this returns."""
    try:
        waiting = _waiting
        with waiting.lock:
            if len(waiting.rows) >= MOST_WAITING:
                waiting.lost += 1
                return
            waiting.rows.append(row)
            many = len(waiting.rows) >= BATCH
            if settings.SEARCH_LOG_SECONDS > 0 and waiting.thread is None:
                waiting.thread = threading.Thread(target=_work, args=(waiting,), name="search-log", daemon=True)
                waiting.thread.start()
        if settings.SEARCH_LOG_SECONDS <= 0:
            flush()
        elif many:
            waiting.wake.set()
    except Exception:
        log.exception("A search was not logged")


def flush() -> int:
    """Write what waits; return how many rows. What cannot be written waits on."""
    waiting, written = _waiting, 0
    with waiting.writing:
        while True:
            with waiting.lock:
                rows = [waiting.rows.popleft() for _ in range(min(BATCH, len(waiting.rows)))]
                lost, waiting.lost = waiting.lost, 0
            if lost:
                log.error("The log of searches could not be written for too long: %d rows are lost", lost)
            if not rows:
                return written
            try:
                for shop_id in dict.fromkeys(row.shop_id for row in rows):
                    with in_shop(shop_id):  # type: ignore[arg-type]
                        written += _store([row for row in rows if row.shop_id == shop_id])
            except AWAY:
                log.exception("%d searches could not be logged yet", len(rows))
                with waiting.lock:
                    waiting.rows.extendleft(reversed(rows))
                return written


def _store(rows: list[LoggedSearch]) -> int:
    """Write rows, or where one of them is refused, the others. Raises what a database does that is away."""
    try:
        # A transaction of its own, as what is refused would spoil the caller's.
        with transaction.atomic():
            LoggedSearch.objects.bulk_create(rows, ignore_conflicts=True)  # the same search again is one row
        return len(rows)
    except AWAY:
        raise
    except Exception:
        if len(rows) == 1:
            log.exception("A search was not logged")
            return 0
    return sum(_store([row]) for row in rows)


def _work(waiting: _Waiting) -> None:
    while True:
        waiting.wake.wait(max(settings.SEARCH_LOG_SECONDS, 0.05))
        waiting.wake.clear()
        if waiting.rows or waiting.lost:
            try:
                flush()
            finally:
                connection.close()


def _anew() -> None:
    """A forked process has no thread, and leaves its parent's rows to its parent."""
    global _waiting
    _waiting = _Waiting()


os.register_at_fork(after_in_child=_anew)
atexit.register(flush)
