"""Fill a shop and serve it: the one command behind `make demo`."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.test import Client

from recommend.demo.accounts import passwords_file
from vetrina.management.commands.serve import stop_vectord, trainer_command, worker_command

# A log of events beside a catalogue, as `import_events` reads it.
EVENT_FILES = ("events.csv", "events.tsv", "events.jsonl", "events.csv.gz", "events.tsv.gz", "events.jsonl.gz")


class Command(BaseCommand):
    help = "Fill the demo shop (or a catalogue of yours), embed it, train the recommender, and serve it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, help="A catalogue to load instead of the built-in demo shop.")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-serve", action="store_true", help="Do everything but serve, then show what it finds.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo makes an administrator and sample products: it is not for production mode.")
        started = time.monotonic()
        self.step("Database")
        call_command("migrate", verbosity=0, skip_checks=False)
        make_administrator()

        if options["data"]:
            directory = options["data"].resolve()
        else:
            directory = settings.HOME / "demo" / "shop"
            self.step("Demo shop: pictures and products")
            call_command("build_demo_shop", directory)
        self.step("Import")
        call_command("import_catalog", directory)
        if directory.is_dir():
            call_command("import_companions", directory)

        if apps.get_model("catalog", "Picture").objects.exists():
            self.step("Picture search: fitting the image encoder to this catalogue")
            call_command("finetune", "--no-embed")
        self.step("Search index, through the worker")
        with running(worker_command(), "demo-worker"):
            call_command("embed", "--workers")
        self.behaviour(options["data"] and directory)
        self.stdout.write(f"\nThe shop is ready after {time.monotonic() - started:.0f} s.")
        self.accounts()

        if options["no_serve"]:
            try:
                self.show()
            finally:
                stop_vectord()
        else:
            call_command("serve", port=options["port"])

    def behaviour(self, own: Path | None) -> None:
        """Histories, and a recommender trained on them. `own`: of this catalogue, for which none are made up."""
        events = apps.get_model("recommend", "Event").objects
        if own is None:
            self.step("Made-up shoppers: what they looked at and bought")
            call_command("build_demo_histories")
        elif found := [own / name for name in EVENT_FILES if (own / name).is_file()]:
            self.step("Import of events")
            call_command("import_events", found[0])
        if not events.filter(shopper__isnull=False, product__isnull=False).exists():
            self.stdout.write("Nobody has looked at anything yet, so there is nothing to learn from.")
            return
        newest = events.order_by("-id").values_list("received_at", flat=True).first()
        versions = apps.get_model("recommend", "ModelVersion").objects
        if versions.filter(live=True, created_at__gt=newest).exists():
            self.stdout.write("The recommender knows all of this already.")
            return
        self.step("Recommender, through its worker")
        with running(trainer_command(), "demo-trainer"):
            call_command("train_recommender", "--workers")

    def accounts(self) -> None:
        """Who can log in, with the passwords, which are made once."""
        self.stdout.write(f"Administrator of the demo: admin / {make_administrator()}")
        for name, shopper in demo_shoppers().items():
            self.stdout.write(f"A shopper who {shopper['about']}: {name} / {shopper['password']}")

    def step(self, title: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"\n{title}"))
        self.stdout.flush()

    def show(self) -> None:
        """One search of each kind and one recommendation, over the same REST interface that others call."""
        client = Client(headers={"host": "localhost"})
        product = apps.get_model("catalog", "Product").objects.filter(status="published").order_by("id").first()
        if product is None:
            raise CommandError("The catalogue is empty: nothing was imported.")
        words = " ".join(product.title.replace(",", " ").split()[:3])
        questions = [("words", "search", {"q": words})]
        if product.pictures.exists():
            questions += [
                ("picture", "search", {"image_of": product.sku}),
                ("both", "search", {"image_of": product.sku, "q": "blue"}),
            ]
        questions.append(("similar", "recommendations/similar", {"product": product.sku}))
        for kind, path, parameters in questions:
            self.show_hits(client, kind, path, parameters)
        shopper = next(iter(demo_shoppers()), "")
        user = get_user_model().objects.filter(username=shopper).first()
        if user is not None:
            client.force_login(user)
            self.show_hits(client, f"for {shopper}", "recommendations/for-you", {"limit": "8"})

    def show_hits(self, client: Client, kind: str, path: str, parameters: dict[str, str]) -> None:
        response = client.get(f"/api/v1/{path}", parameters)
        if response.status_code != 200:
            raise CommandError(f"{path} answered {response.status_code}: {response.content.decode()[:300]}")
        hits = response.json()["hits"]
        self.stdout.write(f"\n{kind}: {json.dumps(parameters, ensure_ascii=False)}")
        for hit in hits[:8]:
            reason = f"  – {hit['reason']}" if hit.get("reason") else ""
            self.stdout.write(f"  {hit['sku']:<16} {hit['title'][:60]}{reason}")
        if not hits:
            raise CommandError(f"The question {kind!r} found nothing.")


def make_administrator() -> str:
    """The demo's administrator; the password is made once and kept beside the database, readable by the owner only."""
    file = settings.HOME / "demo-admin-password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(12))
    password = file.read_text()
    users = get_user_model().objects
    user = users.filter(username="admin").first() or users.create_superuser("admin")
    if not user.check_password(password):
        user.set_password(password)
        user.save()
    return password


def demo_shoppers() -> dict[str, dict[str, str]]:
    """Name -> `about` and `password` of the made-up shoppers with an account, as `build_demo_histories` left them."""
    file = passwords_file()
    found: dict[str, dict[str, str]] = json.loads(file.read_text()) if file.exists() else {}
    return found


@contextmanager
def running(command: str, name: str) -> Iterator[None]:
    """A Celery worker for the time of the block, its output in HOME/log/NAME.log."""
    log = settings.HOME / "log" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (settings.BASE_DIR / "platform", settings.BASE_DIR))),
    }
    with log.open("ab") as output:
        worker = subprocess.Popen(
            command.split(), cwd=settings.BASE_DIR, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield
        if worker.poll() is not None:
            raise CommandError(f"The worker ended by itself; {log} says why.")
    finally:
        worker.send_signal(signal.SIGTERM)
        try:
            worker.wait(timeout=30)
        except subprocess.TimeoutExpired:
            worker.kill()
            print("The worker did not stop in time and was ended.", file=sys.stderr)
