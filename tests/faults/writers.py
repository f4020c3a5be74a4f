"""Those who write to the shop all the time, and know what was acknowledged: a shop's own system that changes products,
pages that tell of events and clicks, shoppers who fill their carts.

Each sends again what was not acknowledged, under the same key, until it is; a cart has no key, so a shopper whose
cart did not answer begins with a new one.
"""

import itertools
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import httpx

from tests.faults.shopper import PLAIN
from tests.faults.site import FaultSite
from tests.recommend.sponsored.shop_server import BROWSER

PAUSE = 0.1  # seconds between two writes, and before one is sent again
PATIENCE = 120.0  # seconds in which everything must be acknowledged once the fault is over
# A product's last value must not be overtaken by the one before, so its client waits for longer than anything takes.
LONG, SHORT = httpx.Timeout(90, connect=5), httpx.Timeout(5, connect=2)
CSRF = "x" * 32
AGAIN = (429, 502, 503, 504)
EDITIONS = itertools.count(1)  # of all cells, so that a title is never one that a cell before has written


@dataclass
class Verdict:
    """What was found in the database of what was acknowledged."""

    acknowledged: int
    lost: list[str]
    doubled: list[str]


@dataclass
class Writers:
    """Each a thread; used as a context, they write from its begin to its end."""

    site: FaultSite
    key: str
    skus: list[str]
    placements: list[str]  # of which each is clicked once
    products: dict[str, int] = field(default_factory=dict)  # sku -> the edition that was acknowledged last
    attempted: dict[str, int] = field(default_factory=dict)  # sku -> the edition that was sent last
    events: set[str] = field(default_factory=set)
    clicks: set[str] = field(default_factory=set)
    carts: dict[str, int] = field(default_factory=dict)  # session -> acknowledged pieces
    cart_attempts: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)  # outcomes for which something was sent again
    wrong: list[str] = field(default_factory=list)  # answers that no client should get
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Writers":
        for work in self.work():
            self._threads.append(threading.Thread(target=self._guarded, args=(work,), daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        if any(thread.is_alive() for thread in self._threads):
            self.wrong.append(f"Something was not acknowledged within {PATIENCE:.0f} s after the fault.")

    def work(self) -> list[Callable[[], None]]:
        return [self._write_products, self._tell_events, self._click, self._fill_carts]

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self.wrong.append(f"{work.__name__}: {type(error).__name__}: {error}")
            raise

    # What they do ----------------------------------------------------------------------------------------------

    def _write_products(self) -> None:
        with httpx.Client(headers={"Authorization": f"Api-Key {self.key}"}, timeout=LONG, **PLAIN) as client:
            for sku in itertools.cycle(self.skus):
                if self._stop.is_set():
                    return
                edition = self.attempted[sku] = next(EDITIONS)
                address = f"{self.site.url}/api/v1/products/{sku}"
                title = {"title": f"Small {sku.lower()} lamp, edition {edition}"}
                self.until_stored("products", partial(client.patch, address, json=title))
                self.products[sku] = edition

    def _tell_events(self) -> None:
        for sku in itertools.cycle(self.skus):
            if self._stop.is_set():
                return
            event = {"event_id": str(uuid.uuid4()), "kind": "view", "sku": sku, "session": "s" * 20}
            self._event("events", event)
            self.events.add(event["event_id"])

    def _click(self) -> None:
        while not self._stop.is_set():
            placement = self.placements.pop()
            event = {"event_id": str(uuid.uuid4()), "kind": "click", "sku": self.skus[0], "placement": placement}
            self._event("clicks", event)
            self.events.add(event["event_id"])
            self.clicks.add(placement)

    def _event(self, kind: str, event: dict[str, str]) -> None:
        with httpx.Client(headers={"User-Agent": BROWSER}, timeout=SHORT, **PLAIN) as client:
            self.until_stored(kind, partial(client.post, f"{self.site.url}/api/v1/events", json=event))

    def _fill_carts(self) -> None:
        session = ""
        for sku in itertools.cycle(self.skus):
            if self._stop.is_set():
                return
            cookies = f"csrftoken={CSRF}" + (f"; sessionid={session}" if session else "")
            headers = {"Cookie": cookies, "X-CSRFToken": CSRF, "User-Agent": BROWSER}
            if session:
                self.cart_attempts[session] += 1
            with httpx.Client(headers=headers, timeout=SHORT, **PLAIN) as client:
                answer = self._send("carts", partial(client.post, f"{self.site.url}/cart/add", data={"sku": sku}))
            session = answer.cookies.get("sessionid", session) if answer else ""
            if answer:
                self.carts[session] = self.carts.get(session, 0) + 1
                self.cart_attempts[session] = max(self.cart_attempts[session], self.carts[session])
                self.acknowledged["carts"] += 1
                if self.carts[session] >= 20:  # different things; a cart holds only so many
                    session = ""
            time.sleep(PAUSE)

    def until_stored(self, kind: str, send: Callable[[], httpx.Response]) -> None:
        while not self._send(kind, send):
            time.sleep(PAUSE)
        self.acknowledged[kind] += 1
        time.sleep(PAUSE)

    def _send(self, kind: str, send: Callable[[], httpx.Response]) -> httpx.Response | None:
        """Return the answer where it is an acknowledgement."""
        try:
            answer = send()
        except httpx.TransportError as error:
            self.again["time-out" if isinstance(error, httpx.TimeoutException) else "no answer"] += 1
            return None
        if answer.status_code in (200, 201, 302):
            return answer
        self.again[str(answer.status_code)] += 1
        if answer.status_code not in AGAIN or not answer.headers.get("Retry-After"):
            self.wrong.append(f"{kind}: {answer.status_code}: {answer.text[:200]}")
            time.sleep(1)
        return None

    # What is left of it ----------------------------------------------------------------------------------------

    def verdict(self) -> Verdict:
        asked = {
            "skus": list(self.products),
            "events": list(self.events),
            "placements": list(self.clicks),
            "sessions": list(self.cart_attempts),
        }
        told = self.site.direct.ask(FOUND % json.dumps(json.dumps(asked)))
        lost, doubled = [], []
        for sku, edition in self.products.items():
            if told["products"].get(sku, -1) < edition:
                lost.append(f"edition {edition} of {sku}")
        for name, known, counts in (("event", self.events, told["events"]), ("charge", self.clicks, told["charges"])):
            lost += [f"{name} {each}" for each in known if not counts.get(each)]
            doubled += [f"{name} {each}" for each in known if counts.get(each, 0) > 1]
        for session, pieces in self.carts.items():
            lost += [f"pieces of cart {session}"] * max(0, pieces - told["carts"].get(session, 0))
        for session, attempts in self.cart_attempts.items():
            doubled += [f"pieces of cart {session}"] * max(0, told["carts"].get(session, 0) - attempts)
        if told["spent"] != told["charged"]:
            doubled.append(f"{told['spent']} spent where {told['charged']} were charged")
        return Verdict(self.acknowledged.total(), lost, doubled)


FOUND = """
import json
from collections import Counter
from decimal import Decimal
from django.contrib.sessions.models import Session
from django.db.models import Sum
from catalog.models import Product
from recommend.models import Campaign, Charge, Event
asked = json.loads(%s)
titles = dict(Product.objects.filter(sku__in=asked["skus"]).values_list("sku", "title"))
carts = {each.session_key: sum(each.get_decoded().get("cart", {}).values())
         for each in Session.objects.filter(session_key__in=asked["sessions"])}
result = {
    "products": {sku: int(title.rpartition(" ")[2]) for sku, title in titles.items() if "edition" in title},
    "events": Counter(str(each) for each in Event.objects.filter(event_id__in=asked["events"])
                      .values_list("event_id", flat=True)),
    "charges": Counter(str(each) for each in Charge.objects.filter(placement__key__in=asked["placements"])
                       .values_list("placement__key", flat=True)),
    "carts": carts,
    "spent": str(Campaign.objects.aggregate(sum=Sum("spent"))["sum"] or Decimal(0)),
    "charged": str(Charge.objects.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)),
}
"""
