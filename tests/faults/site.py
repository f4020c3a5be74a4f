"""The shop as in production on one machine, with a proxy before each service and a small file system below each."""

import contextlib
import json
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.faults.folders import empty, small
from tests.faults.proxy import Proxy
from tests.recommend.sponsored.shop_server import POSTGRES, free_port, postgres
from tests.reliability.site import Site

PRODUCTS = 120
PLACEMENTS = 8_000
QDRANT_KEY = "of-these-tests-0123456789"
MEGABYTES = {"postgres": 300, "redis": 48, "qdrant": 700, "media": 16}
SETTINGS = {
    "OUTBOX_SWEEP_SECONDS": "1",
    "OUTBOX_LEASE_SECONDS": "6",
    "SPONSORED_CLICK_RATE": "1000000/min",
    "SEARCH_CONCURRENCY": "6",
}
SEED = """
from uuid import uuid4
from catalog.models import Product, Store
from recommend.models import Campaign, Placement
store, _ = Store.objects.get_or_create(slug="corner", defaults={"name": "Corner"})
product = Product.objects.get(sku="L0")
campaign = Campaign.objects.create(name="Lamps", store=store, bid=1, pacing="none", budget=100_000)
campaign.products.add(product)
rows = [Placement(key=uuid4(), campaign=campaign, product=product, surface="home", price="0.02") for _ in range(%d)]
Placement.objects.bulk_create(rows)
result = [str(row.key) for row in rows]
"""
# What `check_index` compares.
COMPARED = """
from dataclasses import asdict
from search.index.compare import compare_all
from search.index.live import alias_target
result = asdict(compare_all(alias_target()))
"""
SLUGS = """
from catalog.models import Product
result = dict(Product.objects.values_list("sku", "slug"))
"""


@dataclass
class FaultSite(Site):
    """The parts speak to the services through `proxies`; `direct` is the same shop past them, for questions."""

    folders: dict[str, Path] = field(default_factory=dict)
    proxies: dict[str, Proxy] = field(default_factory=dict)
    direct: Site = field(init=False)
    key: str = ""
    slugs: dict[str, str] = field(default_factory=dict)
    placements: list[str] = field(default_factory=list)
    started_before: dict[str, int] = field(default_factory=dict)

    # Services --------------------------------------------------------------------------------------------------

    def add_services(self) -> None:
        self.add_redis(self.folders["redis"])
        qdrant = ["--data", str(self.folders["qdrant"] / "data"), "--port", str(self.proxies["qdrant"].target)]
        self.add("qdrant", [sys.executable, "-m", "vectord", *qdrant, "--api-key", QDRANT_KEY])
        for name in ("redis", "qdrant"):
            self.wait_for(lambda: listens(self.proxies[name].target), 60)  # noqa: B023  (asked here)

    def mend(self) -> None:
        """End every fault of services: proxies pass, disks have room, PostgreSQL runs."""
        for folder in self.folders.values():
            empty(folder)
        for proxy in self.proxies.values():
            proxy.set("pass")
        if not listens(self.proxies["postgres"].target):
            self.start_postgres()

    def start_postgres(self) -> None:
        """After it gave up: its own supervisor would do that."""
        data = next(self.folders["postgres"].glob("*/data"))
        options = ["-D", str(data), "-w", "-o", (data / "postmaster.opts").read_text().split(" ", 1)[1].strip()]
        command = [str(POSTGRES / "pg_ctl"), *options, "-l", str(data.parent / "log"), "start"]
        owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*owner, *command], check=True, cwd=data.parent, stdout=subprocess.DEVNULL)

    # Processes of the shop -------------------------------------------------------------------------------------

    def add_parts(self) -> None:
        self.add_workers()
        self.add_web()
        self.wait_for(self.works)

    def use_embedded(self, embedded: bool) -> None:
        """Work with the embedded vector store or the one behind the URL, which is filled from the database."""
        for site, port in ((self, self.proxies["qdrant"].port), (self.direct, self.proxies["qdrant"].target)):
            url, key = ("", "") if embedded else (f"http://127.0.0.1:{port}", QDRANT_KEY)
            site.settings.update({"QDRANT_URL": url, "QDRANT_API_KEY": key})
        self.direct.end_shell()
        self.direct.manage("check_index", "--repair", "--json")
        for name in ("encode", "io", "beat", "web"):
            if name in self.parts:
                self.restart(name)
        if "web" in self.parts:
            self.wait_for(self.works)

    def works(self) -> bool:
        """Everything answers, and each encoder is loaded."""
        with contextlib.suppress(httpx.TransportError, ValueError):
            told = httpx.get(f"{self.url}/readyz", timeout=10, verify=False).json()["parts"]  # noqa: S501  (no TLS)
            return all(told[name] == "ok" for name in ("vectors", "broker", "database", "encoders"))
        return False

    def level(self) -> bool:
        return self.direct.due() == 0

    def compared(self) -> dict[str, int]:
        found: dict[str, int] = self.direct.ask(COMPARED)
        return found

    def note_starts(self) -> None:
        self.started_before = {name: part.starts for name, part in self.parts.items()}

    def restarted(self) -> dict[str, int]:
        """Part -> how often the supervisor started it since `note_starts`."""
        counts = {name: part.starts - self.started_before.get(name, part.starts) for name, part in self.parts.items()}
        return {name: count for name, count in counts.items() if count}


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def catalogue(file: Path) -> Path:
    rows = (
        {
            "sku": f"L{number}", "title": f"Small lamp {number}", "brand": f"Brand {number % 7}", "store": "Corner",
            "category": f"Home > {('Lamps', 'Chairs', 'Tables')[number % 3]}", "price": 10 + number, "currency": "EUR",
            "stock": 90,
        }
        for number in range(PRODUCTS)
    )  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


@contextlib.contextmanager
def fault_site(home: Path) -> Iterator[FaultSite]:
    with contextlib.ExitStack() as stack:
        folders = {
            name: stack.enter_context(small(home / "disks" / name, megabytes)) for name, megabytes in MEGABYTES.items()
        }
        home.chmod(0o755)  # PostgreSQL's own user has to get in
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folders["postgres"], owner.pw_uid, owner.pw_gid)
        database = urlsplit(stack.enter_context(postgres(within=folders["postgres"])))
        redis_port, qdrant_port = free_port(), free_port()
        assert database.port
        targets = {"postgres": database.port, "redis": redis_port, "qdrant": qdrant_port}
        proxies = {name: Proxy(port) for name, port in targets.items()}
        for proxy in proxies.values():
            stack.callback(proxy.close)

        def settings(past: bool) -> dict[str, Any]:
            port = proxies["redis"].target if past else proxies["redis"].port
            return SETTINGS | {
                "MEDIA_ROOT": str(folders["media"]),
                "CELERY_BROKER_URL": f"redis://127.0.0.1:{port}/0",
                "CACHE_URL": f"rediscache://127.0.0.1:{port}/1",
            }

        def address(port: int) -> str:
            return f"postgres://vetrina@127.0.0.1:{port}/postgres"

        site = FaultSite(
            home, address(proxies["postgres"].port), redis_port=redis_port, web_processes=1, settings=settings(False),
            folders=folders, proxies=proxies,
        )  # fmt: skip
        site.direct = Site(home, address(database.port), settings=settings(True))
        stack.callback(site.direct.close)
        stack.callback(site.close)
        site.open()
        site.add_services()
        site.direct.manage("import_catalog", str(catalogue(home / "products.jsonl")), "--json")
        site.use_embedded(True)
        site.key = site.direct.api_key()
        site.slugs = site.direct.ask(SLUGS)
        site.placements = site.direct.ask(SEED % PLACEMENTS)
        site.add_parts()
        yield site
