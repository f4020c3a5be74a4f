"""Sessions of an account. The table names nobody: whose one is stands inside it, so all are looked through."""

from collections.abc import Iterator

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

CHUNK = 1000


def sessions_of(user_id: int) -> Iterator[Session]:
    """Those that are kept in the database, as SESSION_ENGINE has it; about 20,000 are looked through in a second."""
    for session in Session.objects.iterator(chunk_size=CHUNK):
        if session.get_decoded().get(SESSION_KEY) == str(user_id):
            yield session


def end_sessions(user_id: int) -> int:
    """Delete them, with the carts in them; return how many."""
    keys = [session.pk for session in sessions_of(user_id)]
    return Session.objects.filter(pk__in=keys).delete()[0] if keys else 0
