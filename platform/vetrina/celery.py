"""The Celery application. docs/production.md says which workers to run for which queue."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vetrina.settings")

app = Celery("vetrina")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks(["workers"])
