"""The Celery application. docs/production.md says which workers to run for which queue."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vetrina.settings")

app = Celery("vetrina")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks(["workers"])


@beat_init.connect
@worker_init.connect
def refuse_contradictions(**kwargs: Any) -> None:
    """End the process on a wrong setting. Celery itself runs the checks and goes on whatever they find."""
    from vetrina.checks import fail_on_errors

    try:
        fail_on_errors()
    except ImproperlyConfigured as error:  # a handler's Exception would be logged, and the process go on
        raise SystemExit(str(error)) from error
