"""Plant the histories of made-up shoppers in the demo shop."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from recommend.demo import accounts, campaigns
from recommend.demo.histories import plant
from recommend.serving import tables
from search.log.popular import count_popular


class Command(BaseCommand):
    help = "Write histories of made-up shoppers with planted tastes and habits to the event log, and demo campaigns."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shoppers", type=int, default=3000)
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--json", action="store_true", help="Print one JSON object as the last line.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("Made-up histories would stand among those of real shoppers: not in production mode.")
        if options["shoppers"] < 0:
            raise CommandError("The number of shoppers cannot be negative.")
        with tqdm(desc="Shoppers", unit="shopper", disable=None) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            planted = plant(options["seed"], options["shoppers"], progress=progress)
        accounts.set_passwords(planted.habits.accounts)
        placed = campaigns.run()
        if planted.events:
            tables.refresh()
            count_popular()
        if planted.until is None:
            self.stdout.write("The shop has no products, so nobody can have looked at them.")
        elif not planted.events:
            self.stdout.write(f"The histories are already there, up to {planted.until:%Y-%m-%d %H:%M}.")
        else:
            names = ", ".join(account.name for account in planted.habits.accounts)
            self.stdout.write(f"Passwords of {names}: {accounts.passwords_file()}")
            self.stdout.write(
                f"{planted.events} events and {planted.searches} searches of {planted.shoppers} shoppers; "
                f"{placed} new campaigns"
            )
        if options["json"]:
            figures = {"shoppers": planted.shoppers, "events": planted.events, "campaigns": placed}
            self.stdout.write(json.dumps(figures))
