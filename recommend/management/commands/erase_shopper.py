"""manage.py erase_shopper: erase all that is kept of one person, the account too."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog import audit
from recommend.management.commands.export_shopper import add_person
from recommend.privacy.erasing import erase, resume
from recommend.privacy.models import Erasure
from recommend.privacy.subjects import NobodyError, find


class Command(BaseCommand):
    help = "Erase all that is kept of one person. It cannot be undone, and may be repeated; see docs/privacy.md."

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        resume()
        try:
            subject = find(key=options["key"], account=options["account"], email=options["email"])
        except NobodyError as error:
            raise CommandError(f"{error} Nothing is erased.") from error
        told = f"{len(subject.keys)} devices{f' and the account {subject.user}' if subject.user else ''}"
        if not options["yes"] and input(f"Erase {told}? It cannot be undone. Type 'erase': ").strip() != "erase":
            raise CommandError("Nothing is erased.")
        done = erase(subject, by=Erasure.By.COMMAND)
        audit.record("erase a shopper", done, who=audit.Acting("manage.py erase_shopper"))
        self.stdout.write(f"Erased: {done.rows} rows. The erasure is number {done.pk}.")
        if subject.user is not None and subject.user.is_staff:
            self.stdout.write("The account is one of staff, so it stays: take its rights away first.")
