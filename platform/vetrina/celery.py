"""The Celery application. docs/production.md says which workers to run for which queue."""

import atexit
import os
import socket
from collections.abc import Sequence
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init, worker_ready, worker_shutdown
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vetrina.settings")

app = Celery("vetrina", task_cls="workers.shops:ShopTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks(["workers"])
if app.conf.broker_url.startswith(("redis", "sentinel")):
    from vetrina import broker  # it takes the extra `redis`

    broker.install()


@beat_init.connect
@worker_init.connect
def refuse_contradictions(**kwargs: Any) -> None:
    """End the process on a wrong setting. Celery itself runs the checks and goes on whatever they find."""
    from vetrina.checks import fail_on_errors

    try:
        fail_on_errors()
    except ImproperlyConfigured as error:  # a handler's Exception would be logged, and the process go on
        raise SystemExit(str(error)) from error


@setup_logging.connect
def log_as_everywhere(**kwargs: Any) -> None:
    """Log as settings.LOGGING says; without a receiver here, Celery would set levels and a format of its own."""
    from django.conf import settings
    from django.utils.log import configure_logging

    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)


_presence: Any = None


@worker_ready.connect
def tell_worker(sender: Any = None, **kwargs: Any) -> None:
    queues = [queue.name for queue in sender.task_consumer.queues] if sender.task_consumer else []
    _tell(sender.hostname, "worker", queues)


@beat_init.connect
def tell_schedule(**kwargs: Any) -> None:
    _tell(f"beat@{socket.gethostname()}", "schedule")
    atexit.register(tell_end)  # no signal says that it ends


@worker_shutdown.connect
def tell_end(**kwargs: Any) -> None:
    if _presence is not None:
        _presence.stop()


def _tell(name: str, kind: str, queues: Sequence[str] = ()) -> None:
    global _presence
    from search.models import ProcessSeen
    from workers.presence import Presence

    _presence = Presence(name, ProcessSeen.Kind(kind), queues)
    _presence.start()
