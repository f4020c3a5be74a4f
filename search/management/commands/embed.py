"""Bring the index level with the database, and wait until it is."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from catalog.models import OutboxEntry, Product
from search.encoders.base import EncoderError
from search.index import embeddings, filling, outbox
from search.index.compare import batched
from search.index.drain import DrainReport, drain
from search.index.errors import VectorStoreError
from search.index.schema import current_shape
from search.language import collecting, learning

POLL_SECONDS = 0.5
ADDED_AT_ONCE = 2000


class Command(BaseCommand):
    help = "Bring the index level with the database, with a progress bar, and wait until nothing is due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="Make the points of all published products anew.")
        parser.add_argument("--no-cache", action="store_true", help="With --all: encode again what was encoded before.")
        parser.add_argument("--workers", action="store_true", help="Leave the work to running workers, and only wait.")
        parser.add_argument("--json", action="store_true", help="One JSON object as the last line.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["no_cache"] and not options["all"]:
            raise CommandError("--no-cache goes with --all.")
        started = time.monotonic()
        try:
            filling.ensure_current()
        except (VectorStoreError, EncoderError) as error:
            raise CommandError(str(error)) from error
        if options["no_cache"]:
            shape = current_shape()
            embeddings.forget([shape.text.model_id, shape.image.model_id])
        if options["all"]:
            published = Product.objects.filter(status=Product.Status.PUBLISHED).values_list("id", flat=True)
            # Read to the end first: SQLite refuses a write beside an open read, once another process has written.
            for ids in batched(list(published.order_by("id")), ADDED_AT_ONCE):
                OutboxEntry.add(ids)
        with tqdm(unit="product", disable=options["json"] or None) as bar:
            embedded = _wait(bar, own_work=not options["workers"])
        collecting.refresh(at_once=True)
        learning.refresh()
        seconds = time.monotonic() - started
        parked = OutboxEntry.objects.exclude(parked_at=None).count()
        result = {
            "embedded": embedded,
            "failed": parked,
            "seconds": round(seconds, 3),
            "products_per_second": round(embedded / seconds, 2) if seconds else 0.0,
        }
        if options["json"]:
            self.stdout.write(json.dumps(result))
        else:
            self.stdout.write(f"{embedded} products indexed in {seconds:.1f} s, {parked} failed.")
        if parked:
            self.stderr.write("The admin's outbox shows why they failed, and tries them again.")


def _wait(bar: "tqdm[Any]", *, own_work: bool) -> int:
    """Drain, or leave that to the workers, until nothing is due and no collection is being filled.

    Returns how many products were indexed, whoever did it: with workers beside, leases keep the shares apart.
    """
    waited_for = outbox.waiting().due
    bar.total = max(waited_for, Product.objects.filter(status=Product.Status.PUBLISHED).count() * filling.is_filling())
    own, reason = 0, ""

    def show(report: DrainReport) -> None:
        bar.n = own + report.done
        bar.refresh()

    while True:
        if own_work:
            report = drain(progress=show)
            own += report.done
            if report.reason and report.reason != reason:
                reason = report.reason
                bar.write(f"Trying again: {reason}")
        elif filling.is_filling():
            filling.advance()
        now = outbox.waiting()
        bar.n = max(own, waited_for - now.due)
        bar.refresh()
        if not now.due and not filling.is_filling():
            return max(own, waited_for - now.parked)
        if not own_work or now.next_at is None or now.next_at > timezone.now():
            time.sleep(POLL_SECONDS)
