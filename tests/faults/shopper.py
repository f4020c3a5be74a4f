"""Shoppers who look at pages all the time, and what they were shown."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.recommend.sponsored.shop_server import BROWSER

TIMEOUT = 60.0  # seconds; far beyond what anything may take
# Loading certificates costs more than a page, and a connection that was kept would tell of the last fault.
PLAIN: dict[str, Any] = {"verify": False, "limits": httpx.Limits(max_keepalive_connections=0)}
PAUSE, WAITED = 0.25, 0.5  # seconds
NOBODY, CUT_OFF = "nobody listens", "cut off"
RESTING = "Part of the search is resting"
WORDS = ("lamp", "chair", "table", "mirror", "shelf")


@dataclass(frozen=True)
class View:
    """One page that was asked for."""

    page: str
    outcome: str  # "200", "200 degraded", "503 with Retry-After", NOBODY, …
    asked_at: float  # time.monotonic()
    seconds: float


@dataclass
class Shoppers:
    """One for each kind of page; used as a context, they look from its begin to its end."""

    url: str
    skus: list[str]
    slugs: list[str]
    views: list[View] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Shoppers":
        for page in self._addresses(0):
            self._threads.append(threading.Thread(target=self._look, args=(page,), daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT + 10)

    def _look(self, page: str) -> None:
        number = 0
        with httpx.Client(base_url=self.url, headers={"User-Agent": BROWSER}, timeout=TIMEOUT, **PLAIN) as client:
            while not self._stop.wait(PAUSE):
                self.views.append(self._view(client, page, self._addresses(number)[page]))
                number += 1

    def _addresses(self, number: int) -> dict[str, str]:
        place = number * 7 % len(self.skus)
        word = WORDS[number % len(WORDS)]
        return {
            "search page": f"/search?q={word}+{place}",
            "search over REST": f"/api/v1/search?q=small+{word}+{place}",
            "product page": f"/p/{self.slugs[place]}",
            "front page": "/",
            "recommendations": f"/api/v1/recommendations/similar?product={self.skus[place]}&limit=4",
        }

    def _view(self, client: httpx.Client, page: str, address: str) -> View:
        started = time.monotonic()
        try:
            client.cookies.clear()
            answer = client.get(address)
            outcome = outcome_of(answer)
        except httpx.TransportError as error:
            outcome = NOBODY if isinstance(error, httpx.ConnectError) else CUT_OFF
        return View(page, outcome, started, time.monotonic() - started)

    def during(self, begin: float, end: float) -> list[View]:
        """What was asked for in that time, and what was asked before and had to wait in it."""
        return [
            view
            for view in list(self.views)
            if view.asked_at <= end and (view.asked_at >= begin or view.asked_at + view.seconds > begin + WAITED)
        ]


def outcome_of(answer: httpx.Response) -> str:
    if answer.status_code == 503:
        return "503 with Retry-After" if answer.headers.get("Retry-After") else "503 without Retry-After"
    if answer.status_code != 200:
        return str(answer.status_code)
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        told = answer.json()
        degraded = bool(told.get("degraded") or told.get("query", {}).get("degraded"))
    else:
        degraded = RESTING in answer.text
    return "200 degraded" if degraded else "200"


def summary(views: list[View]) -> str:
    """Pages with the same kinds of outcomes together, the most frequent outcome first, and the slowest answer."""
    pages: dict[str, Counter[str]] = {}
    for view in views:
        pages.setdefault(view.page, Counter())[view.outcome] += 1
    together: dict[frozenset[str], list[str]] = {}
    for page, outcomes in pages.items():
        together.setdefault(frozenset(outcomes), []).append(page)
    parts = []
    for those in together.values():
        counts = sum((pages[page] for page in those), Counter[str]())
        several = len(counts) > 1
        told = [f"{outcome}{f' ({count} times)' if several else ''}" for outcome, count in counts.most_common()]
        parts.append(f"{'all pages' if len(those) == len(pages) else ', '.join(those)}: {', '.join(told)}")
    slowest = max(views, key=lambda view: view.seconds)
    return f"{'; '.join(parts)}; slowest {slowest.seconds:.1f} s ({slowest.page})"
