"""Write the built-in demo shop to a directory, in the import format."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog.demo import packages, shop


class Command(BaseCommand):
    help = "Write the demo shop (products, pictures, promotions) to a directory that import_catalog reads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--seed", type=int, default=7)

    def handle(self, *args: Any, **options: Any) -> None:
        directory: Path = options["directory"]
        mark = directory / ".built"
        wanted = f"{options['seed']} {shop.monday_of(date.today())} {_digest_of_sources()}"
        if mark.is_file() and mark.read_text() == wanted:
            self.stdout.write("The demo shop is already built.")
            return
        fetched = settings.HOME / "demo" / "packages"
        try:
            packages.fetch(fetched, self.stdout.write)
            with tqdm(desc="Pictures", unit="item") as bar:

                def progress(done: int, total: int) -> None:
                    bar.total = total
                    bar.update(done - bar.n)

                summary = shop.build(directory, fetched, options["seed"], progress=progress)
        except (packages.PackageError, shop.ShopError) as error:
            raise CommandError(str(error)) from error
        mark.write_text(wanted)
        self.stdout.write(f"{summary.products} products of {summary.brands} brands, {summary.images} pictures")


def _digest_of_sources() -> str:
    """Of everything that decides what is built, so that a change of it builds anew."""
    digest = hashlib.sha256()
    folder = Path(shop.__file__).parent
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".py", ".toml"):
            digest.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]
