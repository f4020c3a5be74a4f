"""Load promotions and collections that lie beside a catalogue."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.importing.offers import import_offers


class Command(BaseCommand):
    help = "Load promotions.jsonl and collections.jsonl from a directory, after its products were imported."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--json", action="store_true", help="One JSON object as the last line.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["directory"].is_dir():
            raise CommandError(f"{options['directory']} is not a directory.")
        report = import_offers(options["directory"])
        for file, number, reason in report.rejected:
            self.stderr.write(f"{file}, line {number}: {reason}")
        self.stdout.write(
            f"{report.promotions} promotions, {report.collections} collections, {len(report.rejected)} rejected"
        )
        if options["json"]:
            counts = {
                "promotions": report.promotions,
                "collections": report.collections,
                "rejected": len(report.rejected),
            }
            self.stdout.write(json.dumps(counts))
