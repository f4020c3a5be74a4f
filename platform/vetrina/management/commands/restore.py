"""Bring an empty installation to the state that an archive holds, and fill its vector store."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from recommend.training import versions
from vetrina import backup


class Command(BaseCommand):
    help = "Restore an archive of `backup` onto a fresh installation, and fill the vector store from it."
    requires_system_checks = []  # they look at tables, which are what is restored
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", type=Path)
        parser.add_argument("--no-embed", action="store_true", help="leave the vector store to the workers")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, archive: Path, **options: Any) -> None:
        try:
            manifest = backup.restore(archive, lambda step: self.stderr.write(f"{step} …"))
        except backup.BackupError as error:
            raise CommandError(str(error)) from error
        self.stderr.write("Migrating what an older version wrote …")
        call_command("migrate", verbosity=0, skip_checks=False)
        if not options["no_embed"]:
            self.stderr.write("Filling the vector store from the database …")
            call_command("embed", stdout=self.stderr)
            versions.level_live()
        rows = sum(manifest.rows.values())
        if options["json"]:
            self.stdout.write(json.dumps({"rows": rows, "files": manifest.files, "written_at": manifest.written_at}))
        else:
            self.stdout.write(f"Restored {rows:,} rows and {manifest.files:,} files, written at {manifest.written_at}.")
