"""Shoppers who search without a pause, and what they were answered, for it to be judged afterwards."""

import io
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image, ImageDraw

HITS = 20


@dataclass(frozen=True)
class Item:
    """A product that is searched for by its own title, so that an answer is known."""

    sku: str
    title: str
    brand: str
    pictured: bool


@dataclass
class Observation:
    """The scores by text of one answer: of what against which products."""

    at: float  # time.time()
    words: str  # the query's, or
    anchor: str  # the sku of the product whose vector was the query
    scores: list[tuple[str, float]]  # sku, cosine


@dataclass
class Shoppers:
    """Several threads, each of which asks one of the servers at `urls` after the other, one request at a time."""

    urls: list[str]
    items: list[Item]
    threads: int = 3
    pause: float = 0.05  # seconds between two requests of one
    asked: Counter[str] = field(default_factory=Counter)  # by kind
    failed: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)  # the product was not among the first HITS
    seconds: dict[str, list[float]] = field(default_factory=dict)
    observations: list[Observation] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _errors: list[BaseException] = field(default_factory=list)

    def start(self) -> None:
        for number in range(self.threads):
            self._threads.append(threading.Thread(target=self._run, args=(number,), daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        self._stopping.set()
        for each in self._threads:
            each.join()
        if self._errors:
            raise self._errors[0]

    def _run(self, number: int) -> None:
        chance = random.Random(number)
        kinds: list[Callable[[httpx.Client, Item], None]] = [
            *(self._words, self._meaning, self._of_brand, self._words, self._meaning, self._similar),
            *(self._by_picture, self._by_upload, self._listed, self._page),
        ]
        try:
            with httpx.Client(timeout=120) as client:
                for kind in itertools.cycle(kinds):
                    if self._stopping.wait(self.pause):
                        return
                    client.base_url = chance.choice(self.urls)
                    pictured = kind in (self._by_picture, self._by_upload)
                    kind(client, chance.choice([item for item in self.items if item.pictured == pictured]))
        except BaseException as error:
            self._errors.append(error)

    def _ask(self, kind: str, client: httpx.Client, path: str, **options: Any) -> dict[str, Any]:
        """The answer's JSON, or {} where it failed; whatever is wrong with it is noted."""
        started = time.monotonic()
        try:
            answer = client.request(options.pop("method", "GET"), path, **options)
            wrong = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:200]}"
        except httpx.TransportError as error:
            wrong = repr(error)
        with self._lock:
            self.asked[kind] += 1
            self.seconds.setdefault(kind, []).append(time.monotonic() - started)
            if wrong:
                self.failed.append(f"{kind} {path} {options}: {wrong}"[:500])
                return {}
        told: dict[str, Any] = answer.json() if "json" in answer.headers["content-type"] else {"html": answer.text}
        degraded = told.get("degraded") or told.get("query", {}).get("degraded")
        with self._lock:
            if "html" not in told and not told["hits"]:
                self.empty.append(f"{kind} {path} {options}"[:500])
            if degraded:
                self.degraded.append(f"{kind} {degraded}"[:300])
        return told

    def _search(self, kind: str, client: httpx.Client, item: Item, **more: str) -> list[dict[str, Any]]:
        asked = {"q": item.title, "explain": "true", "understand": "false", "page_size": str(HITS), "facets": "none"}
        hits: list[dict[str, Any]] = self._ask(kind, client, "/api/v1/search", params=asked | more).get("hits", [])
        scores = [
            (hit["sku"], hit["explanation"]["text"]["score"]) for hit in hits if "text" in hit.get("explanation", {})
        ]
        with self._lock:
            if scores:
                self.observations.append(Observation(time.time(), item.title, "", scores))
            if hits and item.sku not in {hit["sku"] for hit in hits}:
                self.not_found.append(f"{kind}: {item.title}")
        return hits

    def _words(self, client: httpx.Client, item: Item) -> None:
        self._search("words", client, item)

    def _meaning(self, client: httpx.Client, item: Item) -> None:
        self._search("meaning", client, item, mode="semantic")

    def _of_brand(self, client: httpx.Client, item: Item) -> None:
        self._search("filter", client, item, **({"brand": item.brand} if item.brand else {}))

    def _similar(self, client: httpx.Client, item: Item) -> None:
        told = self._ask("similar", client, "/api/v1/recommendations/similar", params={"product": item.sku})
        scores = [(hit["sku"], hit["score"]) for hit in told.get("hits", []) if not hit.get("sponsored")]
        if scores:
            with self._lock:
                self.observations.append(Observation(time.time(), "", item.sku, scores))

    def _by_picture(self, client: httpx.Client, item: Item) -> None:
        self._ask("picture", client, "/api/v1/search", params={"image_of": item.sku})

    def _by_upload(self, client: httpx.Client, item: Item) -> None:
        files = {"image": ("some.png", picture(item.sku), "image/png")}
        self._ask("upload", client, "/api/v1/search", method="POST", files=files)

    def _listed(self, client: httpx.Client, item: Item) -> None:
        self._ask("list", client, "/api/v1/search", params={"brand": item.brand} if item.brand else {})

    def _page(self, client: httpx.Client, item: Item) -> None:
        told = self._ask("page", client, "/search", params={"q": item.title})
        if told and "data-event-click" not in told["html"]:
            with self._lock:
                self.empty.append(f"page {item.title}")


def picture(seed: str) -> bytes:
    """A PNG of some discs, of its own for each seed."""
    chance = random.Random(seed)
    image = Image.new("RGB", (256, 256), tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y, radius = chance.randrange(256), chance.randrange(256), chance.randrange(20, 90)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
