"""Measure a part against the bare engine (floor) and a peer, in the same run. The measurements live in benchmarks/."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

PARTS = ("encode", "index", "search", "suggest", "recommend")
DEFAULTS = {"recommend": 5000}


class Command(BaseCommand):
    help = "Measure encode, index, search, suggest or recommend against the bare engine and a peer in the same run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("part", choices=PARTS)
        parser.add_argument("--size", type=int, help="Products (default 2000; of recommend 5000).")
        parser.add_argument(
            "--data",
            type=Path,
            help="With index: a catalogue to measure on; with recommend: a folder with sequences.txt to train on.",
        )
        parser.add_argument("--json", action="store_true", help="One JSON object as the last line.")

    def handle(self, *args: Any, **options: Any) -> None:
        size = options["size"] or DEFAULTS.get(options["part"], 2000)
        if options["size"] is not None and options["size"] < 10:
            raise CommandError("--size is at least 10.")
        sys.path.insert(0, str(settings.BASE_DIR))
        try:
            module = importlib.import_module(f"benchmarks.{options['part']}")
        except ModuleNotFoundError as error:
            raise CommandError(f"There is no benchmark of {options['part']} in this installation ({error}).") from error
        if options["data"] and options["part"] not in ("index", "recommend"):
            raise CommandError("--data goes with index and recommend.")
        result = module.run(size, **({"directory": options["data"].resolve()} if options["data"] else {}))
        if options["json"]:
            self.stdout.write(json.dumps(result))
            return
        for key, value in result.items():
            self.stdout.write(f"{key:>16}: {value:,.3f}" if isinstance(value, float) else f"{key:>16}: {value}")
