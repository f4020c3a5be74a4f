"""Whether the web server in this container answers: exit code 0 or 1. It asks by the shop's name, as a visitor does."""

import os
import sys
import urllib.request

host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".")
request = urllib.request.Request("http://127.0.0.1:8000/healthz", headers={"Host": host})
try:
    with urllib.request.urlopen(request, timeout=4) as answer:  # noqa: S310  (the address above)
        sys.exit(0 if answer.status == 200 else 1)
except OSError as error:
    sys.exit(f"The web server does not answer: {error}")
