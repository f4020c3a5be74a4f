"""The Celery application. Workers: `celery -A vetrina worker -Q encode -P solo` and `-Q default` (see docs/production.md)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vetrina.settings")

app = Celery("vetrina")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
app.autodiscover_tasks(["workers"])
