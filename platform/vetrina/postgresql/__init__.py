"""Django's PostgreSQL backend, whose waits end: see `base`."""
