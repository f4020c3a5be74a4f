"""WSGI entry point: `gunicorn vetrina.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from vetrina.checks import fail_on_errors

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vetrina.settings")
application = get_wsgi_application()
fail_on_errors()
