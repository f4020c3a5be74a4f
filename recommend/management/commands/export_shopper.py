"""manage.py export_shopper: all that is kept of one person, one JSON object a line."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog import audit
from recommend.privacy.exporting import export
from recommend.privacy.subjects import NobodyError, find


def add_person(parser: CommandParser) -> None:
    who: Any = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--key", default="", help="a UUID, or what your own systems call the shopper")
    who.add_argument("--account", default="", help="user name")
    who.add_argument("--email", default="", help="of an account")


class Command(BaseCommand):
    help = "Write all that is kept of one person: account, devices, sessions, consent, events, searches, places."

    def add_arguments(self, parser: CommandParser) -> None:
        add_person(parser)
        parser.add_argument("--to", type=argparse.FileType("x", encoding="utf-8"), help="a new file; else the terminal")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            subject = find(key=options["key"], account=options["account"], email=options["email"])
        except NobodyError as error:
            raise CommandError(str(error)) from error
        out, rows = options["to"] or self.stdout, 0
        for row in export(subject):
            out.write(json.dumps(row, default=str, ensure_ascii=False) + "\n")
            rows += 1
        if options["to"]:
            out.close()
        # Who it was about is nobody's business but the shopper's; that somebody took it out is.
        audit.record("export a shopper", who=audit.Acting("manage.py export_shopper"))
        self.stderr.write(f"{rows} entries.")
