"""Mixed load at a bounded rate: pages, searches, suggestions, recommendations, events, carts, writes, the admin."""

import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.recommend.sponsored.shop_server import BROWSER
from tests.reliability.searching import picture

ADMIN_PAGES = ("/admin/", "/admin/catalog/product/", "/admin/operations/", "/admin/catalog/outboxentry/")
# Kind -> how often among all requests.
MIX = {
    "front page": 4, "product page": 14, "list page": 6, "search page": 10, "search": 16, "filtered search": 6,
    "picture search": 1, "suggest": 14, "recommendations": 12, "events": 10, "cart": 4, "write": 8, "bulk": 2,
    "admin": 0.2,
}  # fmt: skip
SURFACES = ("similar", "for-you", "trending", "new-arrivals", "complements", "brands")


@dataclass
class Product:
    sku: str
    slug: str
    title: str
    brand: str


@dataclass
class Load:
    """`rate` requests a second; what cannot begin in time begins late, and is counted."""

    url: str
    key: str
    staff: tuple[str, str]  # user name and password
    products: list[Product]
    rate: float
    threads: int = 6
    asked: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    turned_away: Counter[str] = field(default_factory=Counter)  # 503 with Retry-After: the machine is too busy
    late: int = 0  # requests that began more than a second after their time
    timings: list[tuple[float, str, float]] = field(default_factory=list)  # time.monotonic(), kind, seconds
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _errors: list[BaseException] = field(default_factory=list)

    def start(self) -> None:
        begin = time.monotonic()
        for number in range(self.threads):
            self._threads.append(threading.Thread(target=self._run, args=(number, begin), daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        self._stopping.set()
        for each in self._threads:
            each.join()
        if self._errors:
            raise self._errors[0]

    def _run(self, number: int, begin: float) -> None:
        chance = random.Random(number)
        due = begin + chance.uniform(0, self.threads / self.rate)
        try:
            while True:
                # Each thread is another shopper every few minutes.
                with httpx.Client(base_url=self.url, headers={"User-Agent": BROWSER}, timeout=60) as client:
                    for _ in range(150):
                        due += chance.expovariate(self.rate / self.threads)
                        if self._stopping.wait(max(0.0, due - time.monotonic())):
                            return
                        if time.monotonic() - due > 1:
                            self.late += 1
                            due = time.monotonic()
                        self._one(client, chance.choices(list(MIX), list(MIX.values()))[0], chance)
        except BaseException as error:
            self._errors.append(error)

    def _one(self, client: httpx.Client, kind: str, chance: random.Random) -> None:
        product = chance.choice(self.products)
        words = " ".join(chance.sample(product.title.split(), min(2, len(product.title.split()))))
        get: dict[str, tuple[str, dict[str, Any]]] = {
            "front page": ("/", {}),
            "product page": (f"/p/{product.slug}", {}),
            "list page": (f"/b/{product.brand}" if product.brand else "/", {}),
            "search page": ("/search", {"q": words}),
            "search": ("/api/v1/search", {"q": words}),
            "filtered search": ("/api/v1/search", {"q": words, "price_max": chance.choice([20, 100, 500])}),
            "suggest": ("/api/v1/suggest", {"q": words[: chance.randint(1, 8)]}),
            "recommendations": (f"/api/v1/recommendations/{chance.choice(SURFACES)}", {"product": product.sku}),
        }
        if kind == "admin":
            with httpx.Client(base_url=self.url, headers={"User-Agent": BROWSER}, timeout=60) as staff:
                self._sign_in(staff)
                for path in ADMIN_PAGES:
                    self._ask(staff, kind, "GET", path)
        elif kind in get:
            path, parameters = get[kind]
            self._ask(client, kind, "GET", path, params=parameters)
        elif kind == "picture search":
            files = {"image": ("some.png", picture(product.sku), "image/png")}
            self._ask(client, kind, "POST", "/api/v1/search", files=files)
        elif kind == "events":
            told = [
                {"event_id": str(uuid.uuid4()), "kind": chance.choice(["view", "click", "like"]), "sku": each.sku}
                for each in chance.sample(self.products, 2)
            ]
            self._ask(client, kind, "POST", "/api/v1/events", json=told)
        elif kind == "cart":
            self._ask(client, kind, "GET", "/cart")
            token = {"X-CSRFToken": client.cookies.get("csrftoken", ""), "Referer": self.url}
            self._ask(client, kind, "POST", "/cart/add", data={"sku": product.sku}, headers=token)
        else:
            rows = [self._change(each, chance) for each in chance.sample(self.products, 10 if kind == "bulk" else 1)]
            by_key = {"Authorization": f"Api-Key {self.key}"}
            if kind == "bulk":
                self._ask(client, kind, "POST", "/api/v1/products/bulk", json=rows, headers=by_key)
            else:
                sku = rows[0].pop("sku")
                self._ask(client, kind, "PATCH", f"/api/v1/products/{sku}", json=rows[0], headers=by_key)

    def _change(self, product: Product, chance: random.Random) -> dict[str, Any]:
        row: dict[str, Any] = {"sku": product.sku, "price": f"{chance.randint(100, 99_999) / 100:.2f}"}
        row["stock"] = chance.randint(1, 500)
        if chance.random() < 0.3:
            row["title"] = f"{product.title[:150]} edition {chance.randint(1, 99)}"
        return row

    def _sign_in(self, client: httpx.Client) -> None:
        self._ask(client, "sign-in", "GET", "/admin/login/")
        name, password = self.staff
        token = client.cookies.get("csrftoken", "")
        form = {"username": name, "password": password, "csrfmiddlewaretoken": token, "next": "/admin/"}
        self._ask(client, "sign-in", "POST", "/admin/login/", data=form, headers={"Referer": self.url})

    def _ask(self, client: httpx.Client, kind: str, method: str, path: str, **options: Any) -> None:
        started = time.monotonic()
        try:
            answer = client.request(method, path, **options)
            # An admin page that leads to the sign-in is none.
            fine = answer.status_code < (300 if kind == "admin" else 400)
            away = answer.status_code == 503 and "Retry-After" in answer.headers
            wrong = "" if fine or away else f"{answer.status_code} {answer.text[:200]}"
        except httpx.TransportError as error:
            away, wrong = False, repr(error)
        with self._lock:
            self.asked[kind] += 1
            self.turned_away[kind] += away
            self.timings.append((started, kind, time.monotonic() - started))
            if wrong:
                self.failed.append(f"{kind} {path}: {wrong}"[:300])
