"""Workers and the schedule tell the database that they live, because no broker can be asked that quickly by all."""

import logging
import os
import threading
from collections.abc import Sequence
from datetime import timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from search.models import ProcessSeen

log = logging.getLogger(__name__)

EVERY_SECONDS = 20.0
LATE = timedelta(seconds=90)  # unseen for so long, a process is taken for dead
FORGOTTEN = timedelta(days=1)


class Presence:
    """A thread that renews this process's row until `stop`, also while the process works on a long task."""

    def __init__(self, name: str, kind: ProcessSeen.Kind, queues: Sequence[str] = ()) -> None:
        self.name = name[:200]
        self._told = {"kind": kind, "queues": sorted(queues), "pid": os.getpid(), "started_at": timezone.now()}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="presence", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End in order: the row is deleted, so that nobody waits for this process to come back."""
        self._ended.set()
        self._thread.join(timeout=5)
        try:
            ProcessSeen.objects.filter(name=self.name, pid=os.getpid()).delete()
        except DatabaseError:
            log.warning("The end of %s could not be noted", self.name, exc_info=True)

    def tell(self) -> None:
        """Say once that this process lives, and forget those that have been gone for long."""
        now = timezone.now()
        ProcessSeen.objects.update_or_create(name=self.name, defaults={**self._told, "seen_at": now})
        ProcessSeen.objects.filter(seen_at__lt=now - FORGOTTEN).delete()

    def _renew(self) -> None:
        while True:
            try:
                self.tell()
            except DatabaseError:  # the next one will tell
                log.warning("%s could not tell that it lives", self.name, exc_info=True)
            finally:
                connection.close()
            if self._ended.wait(EVERY_SECONDS):
                return
