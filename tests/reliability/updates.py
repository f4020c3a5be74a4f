"""Product updates over REST by a client that does what a shop's own system should: it sends again what was not
acknowledged, the same values, and goes on with a product only when its last update was acknowledged."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

BULK_ROWS = 25
BULK_SHARE = 0.8  # of the updates; the others are sent one by one
TEXT_SHARE = 0.3  # of the updates change the title, so that it has to be encoded again
PATIENCE = 900.0  # seconds that one request is repeated: a busy machine starts servers slowly
# Longer than anything that may happen: who gives up and sends the next value could be overtaken by the last one.
TIMEOUT = httpx.Timeout(600, connect=10)
PAUSE = 0.2  # seconds between two tries
STATUSES = {429, 500, 502, 503, 504}


@dataclass
class Updater:
    """Sends `total` updates of the products `titles` (sku -> title) from several threads, at a steady pace."""

    url: str
    key: str
    titles: dict[str, str]
    total: int
    seconds: float  # that it should take at least
    seed: int = 1
    threads: int = 4
    bulk_rows: int = BULK_ROWS
    # sku -> the values that were acknowledged last
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: int = 0
    last_at: float = 0.0  # time.monotonic() of the last acknowledgement
    tries: Counter[str] = field(default_factory=Counter)  # of what was not acknowledged, by what happened
    refused: list[str] = field(default_factory=list)
    titles_sent: dict[str, list[str]] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)
    _errors: list[BaseException] = field(default_factory=list)

    def start(self) -> None:
        # Each thread has products of its own, so that two updates of one product never run at once.
        skus = sorted(self.titles)
        shares = [skus[number :: self.threads] for number in range(self.threads)]
        begin = time.monotonic()
        for number, share in enumerate(shares):
            count = self.total // self.threads + (number < self.total % self.threads)
            worker = threading.Thread(target=self._run, args=(share, count, number, begin), daemon=True)
            self._threads.append(worker)
            worker.start()

    @property
    def running(self) -> bool:
        return any(worker.is_alive() for worker in self._threads)

    def stop(self) -> None:
        """Send no more than what is on its way."""
        self._stopping.set()
        self.finish()

    def finish(self) -> None:
        for worker in self._threads:
            worker.join()
        if self._errors:
            raise self._errors[0]

    def _run(self, skus: list[str], count: int, number: int, begin: float) -> None:
        try:
            chance = random.Random(f"{self.seed} {number}")
            sent = 0
            with httpx.Client(base_url=self.url, headers={"Authorization": f"Api-Key {self.key}"}) as client:
                while sent < count and not self._stopping.is_set():
                    size = min(self.bulk_rows if chance.random() < self._bulk_requests else 1, count - sent, len(skus))
                    rows = [self._row(sku, chance, sent) for sku in chance.sample(skus, size)]
                    due = begin + self.seconds * sent / count
                    self._stopping.wait(max(0.0, due - time.monotonic()))
                    self._send(client, rows)
                    sent += size
        except BaseException as error:
            self._errors.append(error)

    @property
    def _bulk_requests(self) -> float:
        """The share of requests that are in bulk, for BULK_SHARE of the updates to come in them."""
        return BULK_SHARE / self.bulk_rows / (BULK_SHARE / self.bulk_rows + 1 - BULK_SHARE)

    def _row(self, sku: str, chance: random.Random, sent: int) -> dict[str, Any]:
        row: dict[str, Any] = {"sku": sku, "price": f"{chance.randint(100, 99_999) / 100:.2f}"}
        if chance.random() < 0.5:
            row["stock"] = chance.randint(0, 500)
        if chance.random() < TEXT_SHARE:
            row["title"] = f"{self.titles[sku][:150].strip()} edition {sent}"  # a title has no two spaces in a row
            with self._lock:
                self.titles_sent.setdefault(sku, []).append(row["title"])
        return row

    def _send(self, client: httpx.Client, rows: list[dict[str, Any]]) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if len(rows) == 1:
                    values = {name: value for name, value in rows[0].items() if name != "sku"}
                    answer = client.patch(f"/api/v1/products/{rows[0]['sku']}", json=values, timeout=TIMEOUT)
                else:
                    answer = client.post("/api/v1/products/bulk", json=rows, timeout=TIMEOUT)
            except httpx.TransportError as error:
                self._count(type(error).__name__)
                time.sleep(PAUSE)
                continue
            if answer.status_code == 200:
                self._note(rows, answer.json())
                return
            self._count(str(answer.status_code))
            if answer.status_code not in STATUSES:
                raise AssertionError(f"{answer.status_code}: {answer.text[:500]}")
            time.sleep(PAUSE)
        raise AssertionError(f"an update was not acknowledged within {PATIENCE} s: {dict(self.tries)}")

    def _count(self, what: str) -> None:
        with self._lock:
            self.tries[what] += 1

    def _note(self, rows: list[dict[str, Any]], told: dict[str, Any]) -> None:
        results = told["results"] if len(rows) > 1 else [{"status": "updated"}]
        with self._lock:
            for row, result in zip(rows, results, strict=True):
                if result["status"] == "rejected":
                    self.refused.append(f"{row['sku']}: {result['reason']}")
                    continue
                values = {name: value for name, value in row.items() if name != "sku"}
                self.acknowledged.setdefault(row["sku"], {}).update(values)
            self.done += len(rows)
            self.last_at = time.monotonic()
