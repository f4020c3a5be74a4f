"""Celery's schedule, for a clock that is put back.

The plain one remembers by the clock when it sent a task last. A clock that was hours ahead and is put right leaves
times behind that are still to come, and until they have come nothing is sent.
"""

import logging
from datetime import timedelta
from typing import Any

from celery.beat import PersistentScheduler

log = logging.getLogger(__name__)

TOLERANCE = timedelta(seconds=1)
AS_LONG_AGO = timedelta(days=1)  # as any task may wait, so that what was sent at times to come is due now


class Scheduler(PersistentScheduler):
    def tick(self, *args: Any, **options: Any) -> float:
        """Send what is due; returns the seconds until the next look."""
        self._forget_the_future()
        seconds: float = super().tick(*args, **options)
        return seconds

    def _forget_the_future(self) -> None:
        entries = list(self.schedule.values())
        ahead = [each for each in entries if each.last_run_at and each.last_run_at > each.default_now() + TOLERANCE]
        if not ahead:
            return
        log.warning("The clock was put back: %d tasks had been sent at times that are to come.", len(ahead))
        for entry in ahead:
            entry.last_run_at = entry.default_now() - AS_LONG_AGO
        self._heap = None  # is in the order of the old times
