"""`manage.py import_events PATH`: logs of events as CSV, TSV or JSON lines, or lines of `user item item item`."""

import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from catalog.importing.readers import SourceError
from catalog.management.arguments import mapping
from recommend.events.drafts import DraftError
from recommend.events.importing import Log, Report, run
from recommend.events.models import Event
from recommend.events.parsing import moment


class Command(BaseCommand):
    help = "Import a log of events. Idempotent; what cannot be read goes into a report while the rest goes in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="a table with columns, or lines of a user and items; .gz of either")
        parser.add_argument("--kind", choices=Event.Kind.values, default="", help="of events that do not say theirs")
        parser.add_argument(
            "--map", action="append", default=[], metavar="FIELD=COLUMN", help="e.g. --map sku=Artikel; repeatable"
        )
        parser.add_argument(
            "--sequences", action="store_true", default=None, help="read lines of `user item item …` (default for .txt)"
        )
        parser.add_argument(
            "--until", default="", help="when the last item of such a line happened (default: the file's)"
        )
        parser.add_argument("--report", type=Path, help="where to write what was rejected (a .csv and a .jsonl)")
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, path: Path, **options: Any) -> None:
        started = time.monotonic()
        stem = options["report"].with_suffix("") if options["report"] else _report_for(path)
        try:
            until = moment(options["until"], naive_is_utc=True) if options["until"] else None
            log = Log(
                path,
                kind=options["kind"],
                mapping=mapping(options["map"]),
                sequences=options["sequences"],
                until=until,
            )
            with tqdm(total=log.size, unit="B", unit_scale=True, disable=None, file=sys.stderr) as bar:

                def progress(report: Report) -> None:
                    bar.set_postfix(events=report.accepted, rejected=report.rejected, refresh=False)
                    bar.update(log.position() - bar.n)

                report = run(log, report_to=stem, progress=progress)
        except (SourceError, DraftError) as error:
            raise CommandError(str(error)) from error
        self._show(report, time.monotonic() - started, as_json=options["json"])
        if report.problem:
            in_already = f" What came before is in, up to line {report.last_line}." if report.last_line else ""
            raise CommandError(f"{report.problem}{in_already}")

    def _show(self, report: Report, seconds: float, *, as_json: bool) -> None:
        if report.ignored:
            self.stdout.write(f"Columns of unknown meaning, left out: {', '.join(report.ignored)}")
        self.stdout.write(
            f"{report.accepted:,} events of {report.shoppers:,} new shoppers, {report.duplicates:,} there already, "
            f"{report.rejected:,} rejected, in {seconds:.1f} s"
        )
        if report.report:
            self.stdout.write(f"Reasons: {report.report}")
        if as_json:
            names = ("accepted", "duplicates", "rejected", "shoppers", "report", "problem")
            values = {name: getattr(report, name) for name in names}
            self.stdout.write(json.dumps({**values, "seconds": round(seconds, 3)}))


def _report_for(path: Path) -> Path:
    name = path.name.replace(".", "-")
    return Path(settings.HOME) / "imports" / f"{name}-{timezone.now():%Y%m%d-%H%M%S}"
