"""gunicorn's settings. Threads, because a request waits for the database and the vector store most of its time."""

import gc
import logging
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
worker_class = "vetrina.web_worker.BoundedWorker"
threads = int(os.environ.get("WEB_THREADS", "8"))
backlog = 256  # connections that the kernel holds for all processes; those that were taken in wait in a worker's queue
timeout = 60  # until a process whose main thread hangs is killed; a request may take longer
graceful_timeout = 20
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
preload_app = False  # models are loaded after the fork

# Each process keeps its counters in a file that the others read, so that /metrics tells those of all of them. A folder
# of one's own choice is given by this variable, and emptied at start.
METRICS = "PROMETHEUS_MULTIPROC_DIR"


def on_starting(server: Any) -> None:
    """Make the folder, before any process imports the application: what it imports looks for the variable."""
    if METRICS not in os.environ:
        server.metrics_made = os.environ[METRICS] = tempfile.mkdtemp(prefix="vetrina-metrics-")
    folder = Path(os.environ[METRICS])
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.db"):  # of processes of an earlier start, whose counters would be told again
        left.unlink(missing_ok=True)


def child_exit(server: Any, worker: Any) -> None:
    """What a process counted stays; what it had in hand is gone with it."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


def on_exit(server: Any) -> None:
    if made := getattr(server, "metrics_made", ""):
        shutil.rmtree(made, ignore_errors=True)


def post_worker_init(worker: Any) -> None:
    """Load encoders and recommender while the first pages are already served, so that no request is the slow one."""
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()


def _warm_up() -> None:
    from django.db import connection

    from catalog.hosts import active_shops
    from catalog.tenancy import in_shop
    from recommend.serving.profile import live_model
    from search.encoders.registry import get_encoder

    def encoder(kind: str) -> None:
        get_encoder(kind).encode_text(["warm-up"], query=True)

    try:
        for shop in active_shops():  # encoders that are not fitted to a shop are loaded once for all of them
            with in_shop(shop.id):
                for name, load in (
                    ("text encoder", lambda: encoder("text")),
                    ("image encoder", lambda: encoder("image")),
                    ("recommender", live_model),
                ):
                    try:
                        load()
                    except Exception:  # the first request that needs it tries again; the others need not wait for it
                        log.exception("The %s was not loaded ahead", name)
    except Exception:
        log.exception("The shops could not be asked for, so nothing was loaded ahead")
    finally:
        connection.close()  # this thread's own, which no request will ever use

    # What is loaded by now stays: the collector need not go through torch and the models again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
