"""A shop served by a real gunicorn on loopback, over SQLite or PostgreSQL, that can be killed and started again."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]
POSTGRES = Path("/usr/lib/postgresql/15/bin")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
# Reads a program a line and answers each with its `result`: a start of Django costs seconds.
SHELL = """
import json, sys
import django
django.setup()
from django.db import close_old_connections
for line in sys.stdin:
    close_old_connections()  # as between requests: the database may have been started again meanwhile
    scope = {}
    exec(json.loads(line), scope)
    print(json.dumps(scope.get("result")), flush=True)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class ShopServer:
    home: Path
    database: str  # address of a PostgreSQL database; empty: SQLite in `home`
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    shell: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        own = {"DATABASE_URL": self.database} if self.database else {}
        return os.environ | own | {
            "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
            "DJANGO_SETTINGS_MODULE": "vetrina.settings",
            "VETRINA_HOME": str(self.home),
            "SPONSORED_CLICK_RATE": "1000000/min",  # all of these shoppers have one address
        }  # fmt: skip

    def run(self, code: str) -> Any:
        """Run Python in the shop's own surroundings, in a process beside the server; returns its `result`."""
        if self.shell is None:
            self.shell = subprocess.Popen(
                [sys.executable, "-c", SHELL], cwd=ROOT, env=self.environment, text=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )  # fmt: skip
        assert self.shell.stdin
        assert self.shell.stdout
        self.shell.stdin.write(json.dumps(code) + "\n")
        self.shell.stdin.flush()
        return json.loads(self.shell.stdout.readline())

    def migrate(self) -> None:
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=self.environment, check=True)

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "vetrina.wsgi", "--bind", f"127.0.0.1:{self.port}"]
        options = ["--workers", "2", "--worker-class", "gthread", "--threads", "24", "--timeout", "120"]
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command + options, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/healthz").status_code == 200:
                    return
            assert time.monotonic() < deadline, (self.home / "server.log").read_text()[-3000:]
            time.sleep(0.1)

    def stop(self) -> None:
        self.kill()
        if self.shell is not None:
            self.shell.communicate()

    def kill(self) -> None:
        """kill -9 of every process of the server, in the middle of whatever they do."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def postgres(settings: Sequence[str] = (), within: Path | None = None) -> Iterator[str]:
    """A PostgreSQL 15 of this test's own on loopback; gives the address of an empty database. Skips where it cannot.

    Its files lie in a new folder `within` the one that is given. `settings`: what its configuration file would say.
    """
    if not (POSTGRES / "initdb").exists():
        pytest.skip("PostgreSQL 15 is not installed (apt-get install postgresql-15)")
    as_owner: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="vetrina-postgres-", dir=within))
    if os.geteuid() == 0:  # which PostgreSQL refuses to run as
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_owner = ["runuser", "-u", "postgres", "--"]
    data, port = folder / "data", free_port()

    def call(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*as_owner, str(POSTGRES / program), *arguments], cwd=folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    text = ("--encoding", "UTF8", "--locale", "C.UTF-8")  # and not those of whoever runs the tests
    call("initdb", "-D", str(data), "-U", "vetrina", "-A", "trust", "--no-sync", *text)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
    options += "".join(f" -c {each}" for each in settings)
    call("pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgres://vetrina@127.0.0.1:{port}/postgres"
    finally:
        call("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def served(kind: str, home: Path) -> Iterator[ShopServer]:
    """`kind`: "sqlite" or "postgresql"."""
    with postgres() if kind == "postgresql" else contextlib.nullcontext("") as database:
        server = ShopServer(home, database)
        try:
            server.migrate()
            server.start()
            yield server
        finally:
            server.stop()
