"""`manage.py import_catalog PATH`: CSV, TSV, JSON lines, `.gz` of them, or a directory with pictures."""

import json
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.importing.importer import Importer, ImportOptions, ImportReport, Preview
from catalog.importing.readers import SourceError, open_source
from catalog.management.arguments import mapping

_JSON_KEYS = ("created", "updated", "unchanged", "rejected", "seconds", "warnings", "pictures", "report", "interrupted")


class Command(BaseCommand):
    help = "Import a catalogue. Idempotent by sku; bad rows go into a report while the rest goes in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="file, or directory with products.* and images/")
        parser.add_argument(
            "--map", action="append", default=[], metavar="FIELD=COLUMN", help="e.g. --map price=Preis; repeatable"
        )
        parser.add_argument("--ignore-unknown", action="store_true", help="leave out columns of unknown meaning")
        parser.add_argument("--status", choices=["published", "draft"], default="published", help="of new products")
        parser.add_argument("--stock", type=int, default=1, help="of new products whose row says none (default: 1)")
        parser.add_argument("--decimal", choices=[".", ","], default="", help="the decimal sign of prices")
        parser.add_argument("--delimiter", default="", help="of a CSV file; guessed if not given")
        parser.add_argument("--encoding", default="", help="of the file; found out if not given")
        parser.add_argument("--pictures", choices=["strict", "lenient", "skip"], default="strict")
        parser.add_argument("--no-fetch", action="store_true", help="do not fetch pictures by address")
        parser.add_argument("--force", action="store_true", help="compare unchanged rows with the database as well")
        parser.add_argument("--resume", action="store_true", help="skip what an interrupted run committed")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and write nothing")
        parser.add_argument("--report", type=Path, help="where to write rejected rows (a .csv and a .jsonl)")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, path: Path, **options: Any) -> None:
        report_to = options["report"]
        chosen = ImportOptions(
            mapping=mapping(options["map"]),
            keep_unknown=not options["ignore_unknown"],
            status=options["status"],
            stock=max(0, options["stock"]),
            decimal=options["decimal"],
            pictures=options["pictures"],
            fetch=not options["no_fetch"],
            force=options["force"],
            resume=options["resume"],
            report_to=report_to.with_suffix("") if report_to else None,
        )
        delimiter = options["delimiter"].replace("\\t", "\t")
        if len(delimiter) > 1:
            raise CommandError("A delimiter is one character.")
        stopping = _Stopping()
        try:
            source = open_source(path, delimiter=delimiter, encoding=options["encoding"])
            with tqdm(total=source.size, unit="B", unit_scale=True, disable=None, file=sys.stderr) as bar:

                def progress(rows: int, read: int, report: ImportReport) -> None:
                    bar.set_postfix(rows=rows, rejected=report.rejected, refresh=False)
                    bar.update(read - bar.n)

                importer = Importer(source, chosen, stop=stopping.asked, progress=progress)
                with stopping:
                    if options["dry_run"]:
                        preview = importer.preview(limit=None)
                        report = preview.report
                    else:
                        preview, report = None, importer.run()
        except SourceError as error:
            raise CommandError(str(error)) from error
        if preview:
            self._show_preview(preview)
        self._show(report, dry=preview is not None)
        if options["json"]:
            values = report.as_dict()
            self.stdout.write(json.dumps({key: values[key] for key in _JSON_KEYS}))
        if report.problem:
            raise CommandError(f"{report.problem} What came before line {report.last_line} is in.")
        if report.interrupted:
            raise CommandError(f"Stopped behind line {report.last_line}; go on with --resume.", returncode=130)

    def _show(self, report: ImportReport, *, dry: bool) -> None:
        verb = "would be " if dry else ""
        self.stdout.write(
            f"{report.created:,} {verb}created, {report.updated:,} {verb}updated, {report.unchanged:,} unchanged, "
            f"{report.rejected:,} rejected, {report.warnings:,} warnings, in {report.seconds:.1f} s"
        )
        if report.report:
            self.stdout.write(f"Reasons: {report.report}")

    def _show_preview(self, preview: Preview) -> None:
        for column, meaning in preview.columns.items():
            self.stdout.write(f"  column {column}: {meaning}")
        for result in preview.rows[:50]:
            if result.reason:
                self.stdout.write(f"  line {result.line}: rejected: {result.reason}")
            elif result.changes and result.outcome == "updated":
                changes = "; ".join(f"{name}: {old!r} -> {new!r}"[:200] for name, (old, new) in result.changes.items())
                self.stdout.write(f"  line {result.line}: {result.sku}: {changes}")


class _Stopping:
    """Ctrl-C (or SIGTERM) finishes the running batch; a second one ends at once."""

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[int, Any] = {}

    def asked(self) -> bool:
        return self._asked

    def __enter__(self) -> None:
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        except ValueError:  # not the main thread: whoever runs the command there has signals of their own
            self._before.clear()

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
