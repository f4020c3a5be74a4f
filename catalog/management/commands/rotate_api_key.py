"""Replace an API key: a new one with the same scopes, and the old one for a while beside it."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog import audit
from catalog.models import ApiKey
from catalog.services import keys


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("prefix", help="What stands before the dot of the key")
        parser.add_argument("--grace", type=float, metavar="HOURS", help="That the old key works on")

    def handle(self, *args: Any, prefix: str, grace: float | None, **options: Any) -> None:
        hours = settings.API_KEY_GRACE_HOURS if grace is None else grace
        if not 0 <= hours <= 24 * 365:
            raise CommandError("The grace is between 0 hours and a year.")
        key = ApiKey.objects.filter(prefix=prefix).first()
        if key is None:
            raise CommandError(f"There is no key with the prefix {prefix!r}.")
        try:
            with audit.acting(audit.Acting("manage.py rotate_api_key")):
                new, text = keys.rotate(key.pk, timedelta(hours=hours))
        except keys.RotationError as error:
            raise CommandError(str(error)) from error
        key.refresh_from_db()
        # The text alone goes to stdout, so that a script can hand it on.
        self.stderr.write(f"“{new}” has a new key. The old one works until {key.expiry_date:%Y-%m-%d %H:%M} UTC.")
        self.stdout.write(text)
