"""The Django project: settings, addresses, the task application. It serves the apps and knows no product."""

from vetrina.celery import app as celery_app

__all__ = ["celery_app"]
