"""An installation as it runs in production, on one machine: gunicorn with several processes, Celery workers and the
schedule, Redis, PostgreSQL and vectord, each started again by a supervisor when it ends."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.recommend.sponsored.shop_server import SHELL, free_port, postgres

ROOT = Path(__file__).resolve().parents[2]
SUPERVISED_SECONDS = 0.1  # between two looks of the supervisor
WORKERS = {
    "encode": ["--pool", "solo", "--queues", "encode"],
    "io": ["--queues", "default", "--concurrency", "2"],
}


@dataclass
class Part:
    """One supervised process, with the processes that it forks in a group of its own."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> bool:
        """kill -9 of all of its processes, in the middle of whatever they do. Says whether there was one."""
        if self.process is None:
            return False
        running = self.running
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return running


@dataclass
class Site:
    home: Path
    database: str = ""  # address of a PostgreSQL; empty: SQLite in `home`
    redis: bool = False  # as broker and cache; else files and each process's own memory
    web_processes: int = 2
    settings: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    port: int = field(default_factory=free_port)
    redis_port: int = field(default_factory=free_port)
    _ending: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _supervisor: threading.Thread | None = None
    _shell: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
            "DJANGO_SETTINGS_MODULE": "vetrina.settings",
            "VETRINA_HOME": str(self.home),
            "WEB_CONCURRENCY": str(self.web_processes),
            "OMP_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "2",  # as in the Dockerfile
            "LOG_FORMAT": "plain",
            # All that happens here comes from one address.
            "API_RATE_ANONYMOUS": "1000000/min",
            "SHOP_ACTION_RATE": "1000000/min",
            "EVENTS_PER_MINUTE": "1000000",
        }
        if self.database:
            own["DATABASE_URL"] = self.database
        if self.redis:
            own["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{self.redis_port}/0"
            own["CACHE_URL"] = f"rediscache://127.0.0.1:{self.redis_port}/1"
        # A run inside of the tests has a database and a queue of its own, which are not this shop's.
        inherited = {name: value for name, value in os.environ.items() if name not in OF_ANOTHER_SHOP}
        return inherited | own | self.settings

    # Commands and questions ------------------------------------------------------------------------------------

    def manage(self, *arguments: str, check: bool = True) -> dict[str, Any]:
        """Run a command to its end; returns the JSON of its last line, {} if there is none."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        if check and done.returncode:
            raise AssertionError(f"{arguments}: {done.stderr[-2000:]}")
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return json.loads(lines[-1]) if lines else {"error": done.stderr[-1000:]} if done.returncode else {}

    def ask(self, code: str) -> Any:
        """Run Python in the shop's own surroundings, in a process beside the servers; returns its `result`."""
        if self._shell is None or self._shell.poll() is not None:
            with (self.home / "shell.log").open("ab") as log:
                self._shell = subprocess.Popen(
                    [sys.executable, "-c", SHELL], cwd=ROOT, env=self.environment, text=True, stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=log,
                )  # fmt: skip
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write(json.dumps(code) + "\n")
        self._shell.stdin.flush()
        return json.loads(self._shell.stdout.readline())

    def end_shell(self) -> None:
        """The next question goes to a new one, with the settings as they are then."""
        if self._shell is not None:
            self._shell.kill()
            self._shell.communicate()

    def api_key(self) -> str:
        made = (
            "from catalog.models import ApiKey\n"
            "result = ApiKey.objects.create_key(name='stock', scope='catalog:write read:unlimited')[1]"
        )
        return str(self.ask(made))

    def due(self) -> int:
        """Outbox entries that wait or are claimed."""
        waiting = "from search.index.outbox import waiting\nresult = waiting().due"
        return int(self.ask(waiting))

    def wait_for(self, happened: Callable[[], bool], seconds: float = 900, *, pause: float = 0.2) -> float:
        """Wait until something has happened, and return how long that took, in seconds."""
        started = time.monotonic()
        while not happened():
            assert time.monotonic() - started < seconds, f"{seconds} s were not enough; the logs are in {self.home}"
            time.sleep(pause)
        return time.monotonic() - started

    def answers(self, port: int | None = None) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port or self.port}/healthz", timeout=10).status_code == 200
        return False

    def vectord_pid(self) -> int:
        """0 where there is none."""
        with contextlib.suppress(OSError, ValueError):
            return int(json.loads((self.home / "vectord" / "endpoint.json").read_text())["pid"])
        return 0

    # Processes -------------------------------------------------------------------------------------------------

    def add(self, name: str, command: list[str]) -> None:
        part = Part(name, command)
        with self._lock:
            self.parts[name] = part
            self._start(part)

    def add_redis(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        options = ["--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "yes"]
        options += ["--auto-aof-rewrite-min-size", "4mb"]  # a limit of the rate is written anew with each request
        self.add("redis", [shutil.which("redis-server") or "redis-server", "--port", str(self.redis_port), *options])

    def add_web(self, name: str = "web", port: int | None = None) -> None:
        bind = ["--bind", f"127.0.0.1:{port or self.port}"]
        self.add(name, [sys.executable, "-m", "gunicorn", "vetrina.wsgi", "-c", "python:vetrina.gunicorn", *bind])
        self.wait_for(lambda: self.answers(port))

    def add_workers(self) -> None:
        celery = [sys.executable, "-m", "celery", "-A", "vetrina"]
        for name, options in WORKERS.items():
            self.add(name, [*celery, "worker", "--hostname", f"{name}@%h", *options])
        self.add("beat", [*celery, "beat"])

    def _start(self, part: Part) -> None:
        with (self.home / f"{part.name}.log").open("ab") as log:
            part.process = subprocess.Popen(
                part.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        part.starts += 1

    def _supervise(self) -> None:
        while not self._ending.wait(SUPERVISED_SECONDS):
            with self._lock:
                for part in self.parts.values():
                    if not self._ending.is_set() and not part.running:
                        part.kill()  # what it forked may outlive it, and holds its port
                        self._start(part)

    def restart(self, name: str) -> None:
        """An orderly stop (SIGTERM) and a new start, with the settings as they are now."""
        with self._lock:
            part = self.parts[name]
            assert part.process is not None
            part.process.terminate()
            part.process.wait(600)  # it ends the task that it is at
            self._start(part)

    def kill(self, name: str) -> bool:
        """kill -9. Says whether there was anything to kill. The supervisor, or who needs vectord, starts it again."""
        if name == "vectord":
            pid = self.vectord_pid()
            try:
                os.kill(pid, signal.SIGKILL) if pid else None
            except ProcessLookupError:
                pid = 0
            killed = pid > 0
        else:
            with self._lock:
                killed = self.parts[name].kill()
        self.kills[name] += killed
        return killed

    def kill_one_of(self, name: str, choose: Callable[[list[int]], int]) -> bool:
        """kill -9 of one of the processes that a part has forked: gunicorn's, say, whose parent makes a new one."""
        part = self.parts[name]
        with self._lock:
            children = children_of(part.process.pid) if part.process is not None and part.running else []
            if not children:
                return False
            try:
                os.kill(choose(children), signal.SIGKILL)
            except ProcessLookupError:
                return False
        self.kills[f"{name} process"] += 1
        return True

    def open(self) -> None:
        compiled = ROOT / "var" / "models"  # networks are compiled once a machine, not once a test
        compiled.mkdir(parents=True, exist_ok=True)
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "models").symlink_to(compiled)
        if self.redis:
            self.add_redis(self.home / "redis")
        self.manage("migrate", "--verbosity", "0")
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._supervisor.start()

    def close(self) -> None:
        self._ending.set()
        if self._supervisor is not None:
            self._supervisor.join()
        for part in self.parts.values():
            part.kill()
        self.end_shell()
        if pid := self.vectord_pid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


OF_ANOTHER_SHOP = {"DATABASE_URL", "CACHE_URL", "CELERY_BROKER_URL", "QDRANT_URL", "VETRINA_HOME"}


def end_in_order() -> None:
    """Let SIGTERM end this process like an exception, so that no process of a site outlives it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def children_of(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


@contextlib.contextmanager
def site(home: Path | None = None, *, production: bool, **options: Any) -> Iterator[Site]:
    """`production`: PostgreSQL 15 and Redis; otherwise SQLite and a broker made of files. A given `home` is kept."""
    with contextlib.ExitStack() as stack:
        if home is None:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vetrina-site-")))
        database = stack.enter_context(postgres()) if production else ""
        made = Site(home, database, production, **options)
        stack.callback(made.close)
        made.open()
        yield made
