"""A shop of its own for an evaluation: database, vectors and files in a folder that is thrown away afterwards.

Each step runs in a process of its own with an environment that points there, so that nothing of the installation's
database and collections can be touched, whatever its settings say.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings


class StepError(Exception):
    """A step failed; what it had to say has been shown."""


class Workspace:
    def __init__(self, home: Path) -> None:
        self.home = home

    def manage(self, *arguments: str, capture: bool = False) -> str:
        """Run `manage.py` there, its messages going to standard error. Returns its standard output if captured."""
        environment = os.environ | {
            "VETRINA_HOME": str(self.home),
            "DATABASE_URL": f"sqlite:///{self.home / 'vetrina.sqlite3'}",
            "MEDIA_ROOT": str(self.home / "media"),
            "CACHE_URL": "locmemcache://",
            "CELERY_BROKER_URL": "",
            "QDRANT_URL": "",
            "QDRANT_API_KEY": "",
        }
        done = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else sys.stderr.fileno(),
            text=True,
            check=False,
        )
        if done.returncode:
            raise StepError(f"`{arguments[0]}` failed with exit code {done.returncode}.")
        return done.stdout or ""

    def fill(self, data: Path | None, say: Callable[[str], object] = lambda line: None) -> None:
        """Make database, catalogue (of a folder, or of the demo shop for None) and index; what is there stays."""
        say("Making a database …")
        self.manage("migrate", "--verbosity", "0")
        if data is None:
            data = self.home / "demo" / "shop"
            say("Making the demo shop …")
            self.manage("build_demo_shop", str(data))
        say("Importing the catalogue …")
        self.manage("import_catalog", str(data.resolve()))
        say("Embedding it …")
        self.manage("embed")
        say("Searching …")

    def answer(self, *arguments: str) -> dict[str, Any]:
        """Run a command there that prints one JSON object as its last line, and return that."""
        told: dict[str, Any] = json.loads(self.manage(*arguments, "--json", capture=True).strip().splitlines()[-1])
        return told

    def stop_vector_store(self) -> None:
        """Stop the store that the steps started; it would go by itself after a while without requests."""
        with suppress(OSError, ValueError, KeyError):
            told = json.loads((self.home / "vectord" / "endpoint.json").read_text(encoding="utf-8"))
            os.kill(int(told["pid"]), signal.SIGTERM)


@contextmanager
def workspace(keep: Path | None = None) -> Iterator[Workspace]:
    """A fresh folder, or the one to `keep`, whose database and vectors are then used again."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="vetrina-evaluation-", ignore_cleanup_errors=True) as folder:
            yield from _open(Path(folder))
    else:
        keep.mkdir(parents=True, exist_ok=True)
        yield from _open(keep.resolve())


def _open(home: Path) -> Iterator[Workspace]:
    # Compiled networks depend on the weights alone, so they are shared with the installation.
    networks = home / "models"
    if not networks.exists():
        settings.ENCODER_CACHE.mkdir(parents=True, exist_ok=True)
        networks.symlink_to(settings.ENCODER_CACHE, target_is_directory=True)
    opened = Workspace(home)
    try:
        yield opened
    finally:
        opened.stop_vector_store()
