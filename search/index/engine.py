"""The embedded vector store: find the vectord of this installation, and start one where none answers."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from search.index.errors import VectorStoreError

IDLE_SECONDS = 600  # vectord ends itself after this long without a request
START_SECONDS = 60  # opening a large shard on a busy machine takes its time
DIRECTORY_TAKEN = 3  # vectord's exit code where another one owns the directory


@dataclass(frozen=True)
class Endpoint:
    """Where a vector store listens."""

    url: str
    api_key: str = ""
    pid: int = 0  # of an embedded one

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80


class EmbeddedEngine:
    """The vectord that owns one data directory, whichever process started it.

    Several processes may find it absent and start one at the same moment: the directory's lock lets one live, and the
    others end with a code of their own.
    """

    def __init__(self, directory: Path, log: Path) -> None:
        self._directory = directory
        self._log = log
        self._lock = threading.Lock()
        self._started: subprocess.Popen[bytes] | None = None  # kept so that its end is noticed and no zombie stays

    def endpoint(self) -> Endpoint:
        """The endpoint as last announced, which need not answer any more; starts vectord where there is none."""
        return self._announced() or self.recover()

    def recover(self, stranger: Endpoint | None = None) -> Endpoint:
        """An endpoint that listens, after the last one did not answer, or turned out to be a `stranger`'s.

        Raises VectorStoreError where none can be had.
        """
        with self._lock:
            deadline = time.monotonic() + START_SECONDS
            while time.monotonic() < deadline:
                found = self._announced()
                if found is not None and found != stranger and _listens(found):
                    return found
                self._start()
                self._await_announcement(found, deadline)
            raise VectorStoreError(
                f"vectord could not be started within {START_SECONDS} s; {self._log} says why.", permanent=False
            )

    def _announced(self) -> Endpoint | None:
        try:
            told = json.loads((self._directory / "endpoint.json").read_text(encoding="utf-8"))
            return Endpoint(told["url"], told["api_key"], told["pid"])
        except (OSError, ValueError, KeyError):
            return None

    def _start(self) -> None:
        if self._started is not None and self._started.poll() is None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._started = subprocess.Popen(
                [sys.executable, "-m", "vectord", "--data", str(self._directory), "--idle-exit", str(IDLE_SECONDS)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # it outlives the worker or the web process that happened to need it first
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )

    def _await_announcement(self, before: Endpoint | None, deadline: float) -> None:
        """Return when an endpoint listens, or when the vectord started here has ended."""
        while time.monotonic() < deadline:
            found = self._announced()
            if found is not None and found != before and _listens(found):
                return
            code = self._started.poll() if self._started is not None else 0
            if code is not None:
                if code > 0 and code != DIRECTORY_TAKEN:  # below zero it was killed, and is started again
                    raise VectorStoreError(f"vectord ended with code {code}; {self._log} says why.", permanent=False)
                time.sleep(0.2)  # the owner of the directory is still opening it, or just ending
                return
            time.sleep(0.05)


def _listens(endpoint: Endpoint) -> bool:
    try:
        with socket.create_connection(endpoint.address, timeout=1):
            return True
    except OSError:
        return False
