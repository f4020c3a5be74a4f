"""Write the whole shop into one archive, while it goes on selling."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vetrina import backup


class Command(BaseCommand):
    help = "Write database (with all vectors), pictures and trained models into one archive. The shop may go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", type=Path, help="a file that does not exist yet: shop-2030-01-31.tar")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, archive: Path, **options: Any) -> None:
        try:
            manifest = backup.write(archive.resolve(), lambda step: self.stderr.write(f"{step} …"))
        except backup.BackupError as error:
            raise CommandError(str(error)) from error
        size = archive.stat().st_size
        if options["json"]:
            self.stdout.write(json.dumps({"archive": str(archive), "bytes": size, "files": manifest.files}))
        else:
            rows = sum(manifest.rows.values())
            self.stdout.write(f"{archive}: {rows:,} rows and {manifest.files:,} files in {size / 1e6:,.1f} MB")
