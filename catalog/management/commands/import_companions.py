"""Load promotions, collections, brands and stores that lie beside a catalogue."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.importing.companions import import_companions


class Command(BaseCommand):
    help = "Load promotions, collections, brands and stores (*.jsonl) of a directory, after its products were imported."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--json", action="store_true", help="One JSON object as the last line.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["directory"].is_dir():
            raise CommandError(f"{options['directory']} is not a directory.")
        report = import_companions(options["directory"])
        for file, number, reason in report.rejected:
            self.stderr.write(f"{file}, line {number}: {reason}")
        counts = {name: count for name, count in asdict(report).items() if name != "rejected"}
        counts["rejected"] = len(report.rejected)
        self.stdout.write(", ".join(f"{count} {name}" for name, count in counts.items()))
        if options["json"]:
            self.stdout.write(json.dumps(counts))
