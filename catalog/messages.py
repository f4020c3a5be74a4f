"""Messages to the workers, that save waiting for the schedule. The database is the truth, so one may be lost.

Whoever sends one has just answered somebody or is about to. So a broker that is away costs a short time-out, then for a
while nothing (a circuit breaker), and is never an error.
"""

import logging

from celery import current_app

from catalog.breaker import Breaker

log = logging.getLogger(__name__)

# A message that is older than this many seconds is worth nothing: what the schedule sends has long come.
EXPIRES = 60
FAILURES, WINDOW_SECONDS, REST_SECONDS = 2, 60.0, 30.0

# Of this process. What it found out of the broker is nobody's in particular.
_breaker = Breaker(failures=FAILURES, window=WINDOW_SECONDS, rest=REST_SECONDS)


def forget() -> None:
    """Begin anew, as a process does."""
    _breaker.succeeded()


def send(task: str, *, expires: float = EXPIRES) -> bool:
    """Ask for a task by its name; returns whether the broker took the message. Raises nothing for what the broker does.

    How long the broker may take is for settings.BROKER_SECONDS to say.
    """
    if not _breaker.admits():
        return False
    try:
        # One quick retry, for a connection that was kept since before the broker was started anew.
        once = {"max_retries": 1, "interval_start": 0}
        current_app.send_task(task, ignore_result=True, expires=expires, retry=True, retry_policy=once)
    except Exception as error:  # every transport raises its own kinds
        _breaker.failed()
        log.warning("%s could not be asked for (%s); the schedule will.", task, error)
        return False
    _breaker.succeeded()
    return True
