"""`for-you` over HTTP from a server as `manage.py serve` starts it, against the bare model and the bare vector store.

The server has answered other shoppers before. Then each of some shoppers asks twice, in two rounds: `first`, when the
process has not met the shopper, and `again`, as everybody does who goes on to another page; `ours` is all of these.
Before or after each request the floor answers for the same shopper in this process. It has the history in its hands
and reads neither products nor conditions. Every figure is of a single client.
"""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.histories import OF_A_KIND, histories
from recommend.models.base import Ids

SHOPPERS = 150  # that are measured
WARM = 1000  # that ask before, so that the server has met everything
LOOKS = 10  # shoppers of whom it is checked that an event changes the next answer
LIMIT = 12
NEAREST = 200
EPOCHS = 3  # of a training whose model is measured for its speed alone
USERS = 2  # to a product
START_SECONDS = 180
ADDRESS = f"/api/v1/recommendations/for-you?limit={LIMIT}"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
KINDS = ("lamp", "chair", "table", "mug", "bottle", "laptop", "cable", "jacket", "boot", "tent", "kettle", "rug")
WORDS = ("oak", "steel", "red", "blue", "green", "black", "folding", "wireless", "small", "large", "light", "outdoor")


def measure(size: int) -> None:
    """Make the shop that the settings point at, measure, and print one JSON object."""
    from recommend.training.live import live

    names = _fill(size)
    known = live()
    if known is None or known.vectors is None:
        raise RuntimeError("No model was published.")
    chance = random.Random(3)  # noqa: S311  not a secret
    chance.shuffle(names)
    looking, asked, warm = np.split(np.array(names), [LOOKS, LOOKS + min(SHOPPERS, len(names) // 2)])
    with _server() as client:
        for name in warm[:WARM].tolist():
            client.get(ADDRESS, _cookie(name))
        bare = _bare(known, asked.tolist())
        first, floor = _in_turns(client, asked.tolist(), bare)
        again, floor_again = _in_turns(client, asked.tolist(), bare)
        strangers = [_milliseconds(partial(client.get, ADDRESS)) for _ in asked]
        visible = _seen_next(client, looking.tolist()) and _strangers_become_known(client)
    ours = _summary(first + again)
    bound = _summary(floor + floor_again)
    result = {
        "ours": ours,
        "first": _summary(first),
        "again": _summary(again),
        "strangers": _summary(strangers),
        "floor": bound,
        "ratio": ours["p50"] / bound["p50"],
        "event_visible": visible,
        "products": size,
        "shoppers": len(asked),
        "dim": known.vectors.dim,
        "unit": "milliseconds",
    }
    print(json.dumps(result))


# The shop ---------------------------------------------------------------------------------------------------------


def _fill(size: int) -> list[str]:
    """Products, their points, histories through the import, and a published model. Returns the shoppers' names."""
    from django.conf import settings
    from django.core.management import call_command
    from django.utils import timezone

    from catalog import services
    from catalog.models import Brand, OutboxEntry, Product, Store
    from recommend.serving import tables
    from search.index import filling
    from search.index.drain import drain

    chance = random.Random(5)  # noqa: S311  not a secret
    leaves = [services.add_category(kind.title(), services.add_category(f"All {kind}s")) for kind in KINDS]
    brands = Brand.objects.bulk_create(Brand(name=f"Brand {n}", slug=f"brand-{n}") for n in range(60))
    stores = Store.objects.bulk_create(Store(name=f"Store {n}", slug=f"store-{n}") for n in range(30))
    past = timezone.now() - timedelta(days=120)
    products = []
    for number in range(size):
        kind = number // OF_A_KIND % len(KINDS)
        products.append(
            Product(
                sku=f"B-{number}", slug=f"b-{number}", price=chance.randint(1, 500), stock=5, status="published",
                title=f"{' '.join(chance.sample(WORDS, 2))} {KINDS[kind]} {number}", category=leaves[kind],
                brand=chance.choice(brands), store=chance.choice(stores), published_at=past,
                attributes={"colour": chance.choice(WORDS)},
            )
        )  # fmt: skip
    Product.objects.bulk_create(products, batch_size=500)
    OutboxEntry.add(product.pk for product in products)
    filling.ensure_current()
    drain()
    taken = histories(size, USERS * size)
    log = Path(settings.HOME) / "events.jsonl"
    _write(log, taken, chance)
    quiet = {"stdout": sys.stderr}
    call_command("import_events", str(log), **quiet)
    settings.RECOMMENDER = {"name": "blend", "config": {"transformer": {"epochs": EPOCHS}}}
    call_command("train_recommender", full=True, **quiet)
    tables.refresh()
    return [f"shopper-{row}" for row, history in enumerate(taken) if len(history) >= 5]


def _write(log: Path, taken: list[Ids], chance: random.Random) -> None:
    from django.utils import timezone

    now = timezone.now()
    with log.open("w") as file:
        for row, history in enumerate(taken):
            at = now - timedelta(days=chance.uniform(0.1, 40))
            for item in history[::-1].tolist():
                kind = chance.choices(("view", "cart", "purchase"), (85, 10, 5))[0]
                line = {"user": f"shopper-{row}", "sku": f"B-{item}", "kind": kind, "happened_at": at.isoformat()}
                file.write(json.dumps(line) + "\n")
                at -= timedelta(hours=chance.uniform(0.2, 20))


# The server -------------------------------------------------------------------------------------------------------


class Client:
    """One connection that is kept open; small, so that little of what is measured is its own."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, address: str, cookie: str = "") -> dict[str, Any]:
        return self._ask("GET", address, cookie)[0]

    def post(self, address: str, body: dict[str, Any], cookie: str = "") -> tuple[dict[str, Any], str]:
        """The answer, and the cookies that came with it, to be sent the next time."""
        return self._ask("POST", address, cookie, json.dumps(body))

    def _ask(self, method: str, address: str, cookie: str, body: str | None = None) -> tuple[dict[str, Any], str]:
        headers = {"User-Agent": BROWSER, "Content-Type": "application/json", "Accept": "application/json"}
        if cookie:
            headers["Cookie"] = cookie
        try:
            self.connection.request(method, address, body, headers)
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError):  # it was idle for too long
            self.connection.close()
            self.connection.request(method, address, body, headers)
            answer = self.connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {address} was answered by {answer.status}: {said[:300]!r}")
        cookies = [each.split(";")[0] for each in answer.headers.get_all("Set-Cookie") or []]
        told: dict[str, Any] = json.loads(said)
        return told, "; ".join(cookies)


@contextmanager
def _server() -> Iterator[Client]:
    """gunicorn as `manage.py serve` starts it; without the limit of requests, since all clients are one."""
    from django.conf import settings

    from vetrina.management.commands.serve import web_command

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    own = {
        "PYTHONPATH": os.pathsep.join([str(settings.BASE_DIR / "platform"), str(settings.BASE_DIR)]),
        "API_RATE_ANONYMOUS": "1000000/min",
    }
    process = subprocess.Popen(
        web_command(f"127.0.0.1:{port}").split(), cwd=settings.BASE_DIR, env=os.environ | own, stdout=sys.stderr
    )
    try:
        yield _when_ready(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


def _when_ready(process: "subprocess.Popen[bytes]", port: int) -> Client:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            client = Client(port)
            client.get(ADDRESS)
            return client
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("The server did not start.")


def _cookie(name: str) -> str:
    from django.core.signing import get_cookie_signer

    from recommend.events import shoppers

    signer = get_cookie_signer(salt=shoppers.COOKIE + shoppers.SALT)
    return f"{shoppers.COOKIE}={signer.sign(shoppers.of_name(name).hex)}"


# What is measured -------------------------------------------------------------------------------------------------


def _bare(known: Any, names: list[str]) -> dict[str, Callable[[], Any]]:
    """By shopper the model's two steps with the store's between them; the histories are read before."""
    from recommend.events.models import Shopper
    from recommend.events.shoppers import of_name
    from recommend.serving import memory
    from recommend.serving.profile import Profile
    from recommend.training.behaviour import collection_of
    from search.index.client import get_client

    collection, client = collection_of(known.version), get_client()

    def work(history: Ids) -> Any:
        vector = known.vectors.user_vector(history)
        found = client.query_points(collection, query=vector.tolist(), limit=NEAREST, with_payload=False)
        rows = np.array([known.rows[point.id] for point in found.points], np.int64)
        return known.model.score_candidates(history, rows)

    made: dict[str, Callable[[], Any]] = {}
    for name in names:
        shopper = Shopper.objects.get(key=of_name(name))
        made[name] = partial(work, Profile(memory.past(shopper), known).history)
    for each in list(made.values())[:5]:
        each()
    known.vectors._last = None
    return made


def _in_turns(client: Client, names: list[str], bare: dict[str, Callable[[], Any]]) -> tuple[list[float], list[float]]:
    """The milliseconds of each shopper's request, and of the floor for the same shopper, one before the other."""
    ours, floor = [], []
    for turn, name in enumerate(names):
        ask = partial(client.get, ADDRESS, _cookie(name))
        for before in (turn % 2 == 0, turn % 2 == 1):
            if before:
                ours.append(_milliseconds(ask))
            else:
                floor.append(_milliseconds(bare[name]))
    return ours, floor


def _milliseconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _summary(milliseconds: list[float]) -> dict[str, float]:
    return {name: round(float(np.percentile(milliseconds, q)), 3) for name, q in (("p50", 50), ("p95", 95))}


def _seen_next(client: Client, names: list[str]) -> bool:
    """Whether the first hit, once it was looked at, is gone from the very next answer."""
    for name in names:
        cookie = _cookie(name)
        first = client.get(ADDRESS, cookie)["hits"][0]["sku"]
        _look_at(client, first, cookie)
        if first in [hit["sku"] for hit in client.get(ADDRESS, cookie)["hits"]]:
            return False
    return True


def _strangers_become_known(client: Client) -> bool:
    """Whether the first event of a stranger is what the very next answer was made from."""
    for hit in client.get(ADDRESS)["hits"][:5]:
        cookie = _look_at(client, hit["sku"])
        answer = client.get(ADDRESS, cookie)
        if not answer["personalised"] or not any(hit["sku"] in json.dumps(each["why"]) for each in answer["hits"]):
            return False
    return True


def _look_at(client: Client, sku: str, cookie: str = "") -> str:
    event = {"event_id": str(uuid.uuid4()), "kind": "view", "sku": sku}
    told, cookies = client.post("/api/v1/events", event, cookie)
    if told["accepted"] != 1:
        raise RuntimeError(f"The event was not accepted: {told}")
    return cookies
