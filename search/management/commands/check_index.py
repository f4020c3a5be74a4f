"""Compare database and index row by row, and mend what differs."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from search.encoders.base import EncoderError
from search.index import companions, filling
from search.index.compare import Comparison, compare_all
from search.index.errors import IndexMissing, VectorStoreError
from search.index.live import alias_target
from search.index.schema import alias


class Command(BaseCommand):
    help = "Compare database and index row by row. Exits with 1 where they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="Queue what differs, index it, and compare again.")
        parser.add_argument("--json", action="store_true", help="One JSON object as the last line.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["repair"]:
                filling.ensure_current()
                self._tell(self._compare(mend=True))
                call_command("embed", stdout=self.stderr, stderr=self.stderr, json=options["json"])
                companions.repair()
            found = self._compare(mend=False)
            others = companions.compare()
        except (VectorStoreError, EncoderError) as error:
            raise CommandError(str(error)) from error
        self._tell(found)
        for other in others:
            self.stderr.write(
                f"{other.name}: {other.indexed} points: {other.missing} missing, {other.stale} stale, "
                f"{other.orphaned} orphaned."
            )
        if options["json"]:
            beside = {"companions": [asdict(other) for other in others]} if others else {}
            self.stdout.write(json.dumps(asdict(found) | beside))
        if not (found.clean and all(other.clean for other in others)):
            raise SystemExit(1)

    def _compare(self, *, mend: bool) -> Comparison:
        name = alias_target()
        if name is None:
            raise IndexMissing(alias())
        return compare_all(name, mend=mend)

    def _tell(self, found: Comparison) -> None:
        self.stderr.write(
            f"{found.products} products, {found.indexed} points: {found.missing} missing, {found.stale} stale, "
            f"{found.orphaned} orphaned; {found.waiting} waiting, {found.parked} failed."
        )
