"""gunicorn's threaded worker with a queue that ends.

The plain one takes a thousand connections in and lets each wait, however long, for one of its threads: under more load
than it can serve, whoever is answered has long gone. Here at most `QUEUE` requests wait, and none longer than
`SECONDS`; the others are told at once, by threads that do nothing else, to come again. Probes go to these threads as
well, so that a process that works to its limit is not taken for one that hangs.
"""

import os
import selectors
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn.http import wsgi
from gunicorn.workers.gthread import ThreadWorker

THREADS = int(os.environ.get("WEB_THREADS", "8"))
QUEUE = int(os.environ.get("WEB_QUEUE", str(4 * THREADS)))
SECONDS = float(os.environ.get("WEB_QUEUE_SECONDS", "3"))
REFUSING = 4  # threads
SLOW_SECONDS = 1.0  # that a client who is to be refused may take for the head of its request
PROBES = {"/healthz"}


class BoundedWorker(ThreadWorker):
    def init_process(self) -> None:
        self._queued = 0  # counted by the main thread alone, as what it hands over and gets back
        self._refusing = ThreadPoolExecutor(REFUSING, "refuse")
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        if not conn.initialized and not conn.data_ready:
            self._await(conn)
            return
        conn.came = time.monotonic()
        full = self._queued >= QUEUE + THREADS
        if not full:
            self._queued += 1
        task = self._refusing.submit(self._refuse, conn) if full else self.tpool.submit(self._in_time, conn)
        task.add_done_callback(lambda done: self.method_queue.defer(self._ended, conn, done, full))

    def _await(self, conn: Any) -> None:
        """Let the poller look out for the request. The plain worker keeps a thread for five seconds that does it."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.cfg.keepalive  # as of all that are pending, which lie in this order
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _ended(self, conn: Any, done: Any, refused: bool) -> None:
        if not refused:
            self._queued -= 1
        self.finish_request(conn, done)

    def _in_time(self, conn: Any) -> Any:
        return self._refuse(conn) if time.monotonic() - conn.came > SECONDS else self.handle(conn)

    def _refuse(self, conn: Any) -> bool:
        """Answer 503 and end the connection; True where it was a probe, which is answered, and the connection kept."""
        conn.sock.setblocking(True)
        conn.sock.settimeout(SLOW_SECONDS)
        try:
            conn.init()
            request = None if conn.is_http2 else next(conn.parser)
            if not request:
                return False
            if request.path in PROBES:
                conn.sock.settimeout(None)
                return bool(self._keepalive_after(conn, self.handle_request(request, conn)))
            self._tell(request, conn)
        except Exception as error:  # of a client that is turned away, nothing more is wanted
            self.log.debug("A client that was turned away: %s", error)
        return False

    def _tell(self, request: Any, conn: Any) -> None:
        # After the fork: what these import must find the settings and the folder of the counters.
        from vetrina.monitoring.requests import REFUSED
        from vetrina.outage import overloaded

        REFUSED.inc()
        answer, environ = wsgi.create(request, conn.sock, conn.client, conn.server, self.cfg)
        told = overloaded(environ)
        answer.force_close()
        answer.start_response(f"{told.status_code} {told.reason_phrase}", list(told.items()))
        answer.write(told.content)
        answer.close()
