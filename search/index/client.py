"""The one way to the vector store: a QdrantClient per process that outlives restarts of what it speaks to."""

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote

import httpx
import orjson
from django.conf import settings
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException

from catalog.breaker import Breaker
from catalog.retry_budget import RetryBudget
from catalog.tenancy import DEFAULT_SHOP, current_shop_id
from search.index.engine import EmbeddedEngine, Endpoint
from search.index.errors import VectorStoreError

# No answer came, so the request may be sent again: everything that is asked of the store here can be repeated.
UNANSWERED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
TRY_LATER = (408, 429, 502, 503, 504)
# These are the request's own fault. A missing collection or a wrong key, say, can be put right.
MALFORMED = (400, 413, 422, 501)
# vectord makes a new key at each start, so these say that another one, or a stranger, listens at the old address.
NOT_OURS = (401, 403)
# What takes `consistency`: see the parameters in Qdrant's OpenAPI description.
READS = re.compile(r"/collections/[^/]+/(points|points/(scroll|count|query|query/batch|query/groups)|facet)$")
# What takes a filter.
FILTERED = re.compile(r"/collections/[^/]+/(points/(scroll|count|query|query/batch|query/groups)|facet)$")
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between two attempts
RETRY_SHARE, RETRY_RESERVE = 0.1, 10  # second tries of a process: one for ten first tries, and ten at once
REMOTE_PATIENCE = 3.0  # seconds: somebody else restarts a server, and a shopper waits meanwhile


_deadline: ContextVar[float | None] = ContextVar("deadline of the vector store", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give all that this thread asks of a remote store in the block so many seconds together.

    For shoppers, who would rather have what the database finds. An embedded store is waited for: it has to be started.
    """
    nearest = min(time.monotonic() + seconds, _deadline.get() or float("inf"))
    token = _deadline.set(nearest)
    try:
        yield
    finally:
        _deadline.reset(token)


class ResilientTransport(httpx.BaseTransport):
    """Sends a request again while no answer comes, for `patience` seconds; an embedded store is started for it.

    What a breaker refuses fails at once, and so does a second try of a remote store that the budget has nothing for.
    """

    def __init__(self, engine: EmbeddedEngine | None, *, patience: float, breaker: Breaker) -> None:
        self._engine = engine
        # An embedded store serves this machine alone, which waits for it to be started.
        self._budget = None if engine else RetryBudget(share=RETRY_SHARE, reserve=RETRY_RESERVE)
        self._patience = patience
        self._breaker = breaker
        self._retried = TRY_LATER + NOT_OURS if engine else TRY_LATER
        self._inner = httpx.HTTPTransport(limits=httpx.Limits(max_connections=64, max_keepalive_connections=16))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        patience = self._patience if self._engine else _limit(request, self._patience)
        if not self._breaker.admits():
            text = "The vector store did not answer lately, so it is not asked for a few seconds."
            raise VectorStoreError(text, permanent=False)
        try:
            # Who finds out whether a server is back asks once: if it is not, the next one will find out.
            response = self._send(request, 0.0 if self._breaker.open and not self._engine else patience)
        except BaseException:
            self._breaker.failed()
            raise
        if response.status_code in TRY_LATER:
            self._breaker.failed()
        else:
            self._breaker.succeeded()
        return response

    def _send(self, request: httpx.Request, patience: float) -> httpx.Response:
        deadline, pause = time.monotonic() + patience, FIRST_PAUSE
        endpoint = self._engine.endpoint() if self._engine else None
        if self._budget:
            self._budget.first_try()
        while True:
            stranger = None
            last = time.monotonic() + pause > deadline
            try:
                if endpoint:
                    _address(request, endpoint)
                response = self._inner.handle_request(request)
                if response.status_code not in self._retried or last or not self._affords():
                    return response
                response.close()
                stranger = endpoint if response.status_code in NOT_OURS else None
            except UNANSWERED:
                # Others found out meanwhile.
                if last or (self._breaker.open and not self._engine) or not self._affords():
                    raise
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            if self._engine and endpoint:
                endpoint = self._engine.recover(stranger)

    def _affords(self) -> bool:
        return self._budget is None or self._budget.allows_another()

    def close(self) -> None:
        self._inner.close()


def _limit(request: httpx.Request, patience: float) -> float:
    """Shorten a request's time-outs to what `within` has left, and return for how long it may be repeated."""
    deadline = _deadline.get()
    if deadline is None:
        return patience
    left = deadline - time.monotonic()
    if left <= 0:
        raise VectorStoreError("The vector store took longer than a shopper waits.", permanent=False)
    limits: dict[str, float | None] = request.extensions.get("timeout", {})
    names = ("connect", "read", "write", "pool")
    request.extensions["timeout"] = {name: min(left, limits.get(name) or left) for name in names}
    return min(patience, left)


def _address(request: httpx.Request, endpoint: Endpoint) -> None:
    target = httpx.URL(endpoint.url)
    request.url = request.url.copy_with(scheme=target.scheme, host=target.host, port=target.port)
    request.headers["host"] = target.netloc.decode("ascii")
    request.headers["api-key"] = endpoint.api_key


_lock = threading.Lock()
_client: tuple[tuple[Any, ...], QdrantClient] | None = None


def _forget() -> None:
    """A forked child must not write into its parent's connections."""
    global _lock, _client
    _lock = threading.Lock()
    _client = None


os.register_at_fork(after_in_child=_forget)


def get_client() -> QdrantClient:
    """The client of this process. Every call raises VectorStoreError, and nothing else, for what the store does.

    Call it each time instead of keeping the client: a fork or another setting makes a new one.
    """
    global _client
    key = (
        *(settings.QDRANT_URL, settings.QDRANT_API_KEY, str(settings.VECTORD_DIR), settings.QDRANT_TIMEOUT),
        *(settings.QDRANT_READ_CONSISTENCY, *settings.QDRANT_BREAKER.values()),
    )
    current = _client
    if current is None or current[0] != key:
        with _lock:
            if _client is None or _client[0] != key:
                _client = key, _connect()
            current = _client
    return current[1]


def nearest_points(
    collection: str, vector: list[float], *, filter: models.Filter | None = None, limit: int
) -> list[tuple[int, float]]:
    """Return (id, score) of the points nearest to a vector, best first.

    The request that `query_points` sends, and half of its cost: a model for each of some hundred points is made for
    nothing where a pair is all that is wanted of it.
    """
    asked: dict[str, Any] = {"query": vector, "limit": limit, "with_payload": False}
    if filter is not None:
        asked["filter"] = filter.model_dump(mode="json", by_alias=True, exclude_none=True)
    told = get_client().http.client.request(
        type_=dict[str, Any],
        method="POST",
        url="/collections/{collection}/points/query",
        path_params={"collection": collection},
        content=orjson.dumps(asked),
        headers={"Content-Type": "application/json"},
    )
    return [(int(point["id"]), float(point["score"])) for point in told["result"]["points"]]


def _connect() -> QdrantClient:
    breaker = Breaker(**settings.QDRANT_BREAKER)
    if settings.QDRANT_URL:
        patience = min(REMOTE_PATIENCE, settings.QDRANT_TIMEOUT)
        transport = ResilientTransport(None, patience=patience, breaker=breaker)
    else:
        engine = EmbeddedEngine(settings.VECTORD_DIR, settings.HOME / "log" / "vectord.log")
        transport = ResilientTransport(engine, patience=settings.QDRANT_TIMEOUT, breaker=breaker)
    client = QdrantClient(
        url=settings.QDRANT_URL or "http://127.0.0.1",  # of an embedded store, the transport knows the port
        headers={"api-key": settings.QDRANT_API_KEY} if settings.QDRANT_API_KEY else {},
        timeout=settings.QDRANT_TIMEOUT,
        check_compatibility=False,  # it would ask in a thread of its own, and start vectord for it
        transport=transport,
    )
    client._client.openapi_client.client.add_middleware(_raise_store_errors)  # type: ignore[attr-defined]
    client._client.openapi_client.client.add_middleware(_of_own_shop)  # type: ignore[attr-defined]
    if settings.QDRANT_READ_CONSISTENCY:
        client._client.openapi_client.client.add_middleware(_consistently)  # type: ignore[attr-defined]
    return client


def _consistently(request: httpx.Request, send: Any) -> httpx.Response:
    """Ask as many copies as the settings want; one setting for all reads, wherever they are made."""
    if request.method == "POST" and READS.search(request.url.path):
        request.url = request.url.copy_merge_params({"consistency": settings.QDRANT_READ_CONSISTENCY})
    response: httpx.Response = send(request)
    return response


SHOP = "shop"  # of a point's payload; the first shop's points have none
OF_COLLECTION = re.compile(r"/collections/([^/]+)(/|$)")
OF_SHOP = re.compile(r"-shop(\d+)(?:-|$)")  # as `catalog.per_shop.named` writes it


def shop_payload() -> dict[str, int]:
    """What each point of the current shop carries beside its own payload."""
    shop_id = current_shop_id()
    return {} if shop_id == DEFAULT_SHOP else {SHOP: shop_id}


def _of_own_shop(request: httpx.Request, send: Any) -> httpx.Response:
    """Where several shops are served: only collections of the current one, and in them only its points.

    Each shop has collections of its own, so the filter changes no answer; it is there for the day on which one of them
    is named by mistake. Raises VectorStoreError for another shop's collection, before anything is sent.
    """
    if settings.MULTI_SHOP and (found := OF_COLLECTION.search(unquote(request.url.path))):
        for name in _named_aliases(request) if found[1] == "aliases" else [found[1]]:
            if shop_of(name) != current_shop_id():
                raise VectorStoreError(f"The collection {name!r} is not one of this shop's.", permanent=True)
        if request.method == "POST" and FILTERED.search(request.url.path):
            request = _with_filter(request)
    response: httpx.Response = send(request)
    return response


def _named_aliases(request: httpx.Request) -> Iterator[str]:
    """The aliases and collections of a request that moves aliases."""
    for step in orjson.loads(request.content)["actions"]:
        for told in step.values():
            yield from (name for key, name in told.items() if key.endswith("_name"))


def shop_of(collection: str) -> int | None:
    """The shop that a collection or alias belongs to by its name; None for one that is none of ours."""
    for base in sorted((settings.QDRANT_ALIAS, settings.QDRANT_BEHAVIOUR_ALIAS), key=len, reverse=True):
        if collection == base or collection.startswith(f"{base}-"):
            found = OF_SHOP.match(collection.removeprefix(base))
            return int(found[1]) if found else DEFAULT_SHOP
    return None


def _with_filter(request: httpx.Request) -> httpx.Request:
    asked = orjson.loads(request.content)
    for each in asked.get("searches", [asked]):
        _narrow(each)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
    return httpx.Request(
        request.method, request.url, headers=headers, content=orjson.dumps(asked), extensions=request.extensions
    )


def _narrow(asked: dict[str, Any]) -> None:
    """Let a query, and each query that it begins with, find points of the current shop alone."""
    shop_id = current_shop_id()
    own: dict[str, Any] = (
        {"is_empty": {"key": SHOP}} if shop_id == DEFAULT_SHOP else {"key": SHOP, "match": {"value": shop_id}}
    )
    asked["filter"] = {"must": [own, *([asked["filter"]] if asked.get("filter") else [])]}
    before = asked.get("prefetch") or []
    for each in before if isinstance(before, list) else [before]:
        _narrow(each)


def _raise_store_errors(request: httpx.Request, send: Any) -> httpx.Response:
    """One exception for a store that does not answer and for one that refuses."""
    try:
        response: httpx.Response = send(request)
    except ResponseHandlingException as error:
        if isinstance(error.source, VectorStoreError):
            raise error.source from error
        text = f"The vector store does not answer: {type(error.source).__name__}: {error.source}"
        raise VectorStoreError(text, permanent=False) from error
    if response.status_code >= 400:
        status = response.status_code
        raise VectorStoreError(_complaint(response), permanent=status in MALFORMED, status=status)
    return response


def _complaint(response: httpx.Response) -> str:
    try:
        told = response.json()["status"]["error"]
    except (ValueError, KeyError, TypeError):
        told = response.text[:300]
    return f"The vector store answered {response.status_code}: {told}"
