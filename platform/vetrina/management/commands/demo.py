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

from vetrina.management.commands.serve import stop_vectord, worker_command


class Command(BaseCommand):
    help = "Fill the demo shop (or a catalogue of yours), embed it through the real worker, and serve it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, help="A catalogue to load instead of the built-in demo shop.")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-serve", action="store_true", help="Do everything but serve, then show what it finds.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo makes an administrator and sample products: it is not for production mode.")
        started = time.monotonic()
        self.step("Database")
        call_command("migrate", verbosity=0)
        password = make_administrator()

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
        with running_worker():
            call_command("embed", "--workers")
        self.stdout.write(f"\nThe shop is ready after {time.monotonic() - started:.0f} s.")
        self.stdout.write(f"Administrator of the demo: admin / {password}")

        if options["no_serve"]:
            try:
                self.show()
            finally:
                stop_vectord()
        else:
            call_command("serve", port=options["port"])

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
            response = client.get(f"/api/v1/{path}", parameters)
            if response.status_code != 200:
                raise CommandError(f"{path} answered {response.status_code}: {response.content.decode()[:300]}")
            hits = response.json()["hits"]
            self.stdout.write(f"\n{kind}: {json.dumps(parameters, ensure_ascii=False)}")
            for hit in hits[:5]:
                self.stdout.write(f"  {hit['sku']:<16} {hit['title'][:80]}")
            if not hits:
                raise CommandError(f"The {kind} search found nothing.")


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


@contextmanager
def running_worker() -> Iterator[None]:
    """A Celery worker for the time of the block, its output in HOME/log/demo-worker.log."""
    log = settings.HOME / "log" / "demo-worker.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (settings.BASE_DIR / "platform", settings.BASE_DIR))),
    }
    with log.open("ab") as output:
        worker = subprocess.Popen(
            worker_command().split(), cwd=settings.BASE_DIR, env=environment, stdout=output, stderr=subprocess.STDOUT
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
