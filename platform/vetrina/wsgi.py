"""WSGI entry point: `gunicorn vetrina.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from vetrina.checks import fail_on_errors

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vetrina.settings")
# Somebody waits for what is asked here. A worker's statements may take their time.
os.environ.setdefault("DATABASE_PATIENCE_SECONDS", "20")
application = get_wsgi_application()
fail_on_errors()
