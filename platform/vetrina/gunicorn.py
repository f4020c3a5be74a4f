"""gunicorn's settings. Threads, because a request waits for the database and the vector store most of its time."""

import gc
import os
import threading
from typing import Any

workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
graceful_timeout = 20
max_requests = 20_000
max_requests_jitter = 2_000
preload_app = False  # models are loaded after the fork


def post_worker_init(worker: Any) -> None:
    """Load encoders and recommender while the first pages are already served, so that no request is the slow one."""
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()


def _warm_up() -> None:
    from search.encoders.registry import get_encoder

    for kind in ("text", "image"):
        get_encoder(kind).encode_text(["warm-up"], query=True)

    from recommend.training.live import live

    live()

    # What is loaded by now stays: the collector need not go through torch and the models again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
