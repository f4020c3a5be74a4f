"""The part of Qdrant's REST interface that vectord speaks, as an ASGI application."""

import hmac
import logging
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError
from qdrant_client import models
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from vectord import reads, updates
from vectord.collection import Collection
from vectord.errors import RefusedError, bad_request, from_validation, not_implemented
from vectord.storage import Storage

log = logging.getLogger("vectord")

MAX_BODY = 64 * 1024 * 1024
MAX_DRAINED = 4 * MAX_BODY  # read and thrown away, so that a client that still sends gets to see the refusal
SPOKEN_VERSION = "1.19.0"  # of Qdrant's REST description
OPEN_PATHS = {"/healthz", "/readyz", "/livez"}
# One process with one shard gives the strongest ordering and consistency there is, and a call to the engine cannot be
# interrupted: these are checked for sense and change nothing.
QUERY_PARAMETERS = {"wait", "ordering", "consistency", "timeout"}

Answer = Callable[[Request], Awaitable[Any]]


class Service:
    """Routes, and what they share: the storage, the key and the time of the last request."""

    def __init__(self, storage: Storage, api_key: str) -> None:
        self.storage = storage
        self.running = 0
        self.last_request = time.monotonic()
        self._api_key = api_key.encode()
        point_updates: dict[tuple[str, str], tuple[Any, Callable[[Collection, Any], list[updates.Operation]]]] = {
            ("PUT", ""): (models.PointInsertOperations, updates.upsert),
            ("POST", "/delete"): (models.PointsSelector, updates.delete),
            ("POST", "/payload"): (models.SetPayload, updates.set_payload),
            ("PUT", "/payload"): (models.SetPayload, updates.overwrite_payload),
            ("POST", "/payload/delete"): (models.DeletePayload, updates.delete_payload),
            ("POST", "/payload/clear"): (models.PointsSelector, updates.clear_payload),
            ("PUT", "/vectors"): (models.UpdateVectors, updates.update_vectors),
            ("POST", "/vectors/delete"): (models.DeleteVectors, updates.delete_vectors),
        }
        point_reads: dict[str, tuple[Any, Callable[[Collection, Any], Any]]] = {
            "/points": (models.PointRequest, reads.retrieve),
            "/points/scroll": (models.ScrollRequest, reads.scroll),
            "/points/count": (models.CountRequest, reads.count),
            "/facet": (models.FacetRequest, reads.facet),
            "/points/query": (models.QueryRequest, self._with_lookup(reads.query)),
            "/points/query/batch": (models.QueryRequestBatch, self._with_lookup(reads.query_batch)),
            "/points/query/groups": (models.QueryGroupsRequest, self._with_lookup(reads.query_groups)),
        }
        one = "/collections/{name}"
        routes = [
            Route("/", self._greeting, methods=["GET"]),
            *(Route(path, _healthy, methods=["GET"]) for path in sorted(OPEN_PATHS)),
            *(_route(f"{one}{path}", "POST", self._read(*how)) for path, how in point_reads.items()),
            *(_route(f"{one}/points{path}", verb, self._write(*how)) for (verb, path), how in point_updates.items()),
            _route(f"{one}/points/batch", "POST", self._write_batch),
            _route(f"{one}/points/{{id}}", "GET", self._get_point),
            _route("/collections", "GET", self._list_collections),
            _route("/collections/aliases", "POST", self._change_aliases),
            _route("/aliases", "GET", self._list_aliases),
            _route(f"{one}/aliases", "GET", self._collection_aliases),
            _route(f"{one}/exists", "GET", self._exists),
            _route(f"{one}/index", "PUT", self._create_index),
            _route(f"{one}/index/{{field:path}}", "DELETE", self._delete_index),
            _route(one, "GET", self._get_collection),
            _route(one, "PUT", self._create_collection),
            _route(one, "PATCH", self._update_collection),
            _route(one, "DELETE", self._delete_collection),
            Route("/{path:path}", _unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
        ]
        self.app: ASGIApp = self._guarded(Starlette(routes=routes))

    def _guarded(self, app: ASGIApp) -> ASGIApp:
        async def guard(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            self.running += 1
            try:
                if scope["path"] in OPEN_PATHS or self._knows_key(scope):
                    await app(scope, receive, send)
                else:
                    refusal = RefusedError(401, "Must provide an API key or an Authorization bearer token")
                    await _refused(refusal, time.perf_counter())(scope, receive, send)
            finally:
                self.running -= 1
                if scope["path"] not in OPEN_PATHS:
                    self.last_request = time.monotonic()

        return guard

    def _knows_key(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            given = value.removeprefix(b"Bearer ") if name == b"authorization" else value
            if name in (b"api-key", b"authorization") and hmac.compare_digest(given, self._api_key):
                return True
        return False

    def _collection(self, request: Request) -> Collection:
        return self.storage.collection(request.path_params["name"])

    # The service itself

    async def _greeting(self, request: Request) -> Response:
        return _json({"title": "qdrant - vectord", "version": SPOKEN_VERSION})

    # Collections and aliases

    async def _list_collections(self, request: Request) -> Any:
        return {"collections": [{"name": name} for name in sorted(self.storage.collections)]}

    async def _get_collection(self, request: Request) -> Any:
        return self._collection(request).info()

    async def _exists(self, request: Request) -> Any:
        name = request.path_params["name"]
        return {"exists": name in self.storage.collections or name in self.storage.aliases}

    async def _create_collection(self, request: Request) -> Any:
        self.storage.create(request.path_params["name"], await _parsed(request, models.CreateCollection))
        return True

    async def _update_collection(self, request: Request) -> Any:
        change = await _parsed(request, models.UpdateCollection)
        self._collection(request).reconfigure(change)
        return True

    async def _delete_collection(self, request: Request) -> Any:
        return await self.storage.delete(request.path_params["name"])

    async def _change_aliases(self, request: Request) -> Any:
        self.storage.change_aliases((await _parsed(request, models.ChangeAliasesOperation)).actions)
        return True

    async def _list_aliases(self, request: Request) -> Any:
        return _shown_aliases(self.storage.aliases)

    async def _collection_aliases(self, request: Request) -> Any:
        return _shown_aliases(self.storage.aliases_of(request.path_params["name"]))

    async def _create_index(self, request: Request) -> Any:
        asked = await _parsed(request, models.CreateFieldIndex)
        if asked.field_schema is None:
            raise bad_request("field_schema: name the type of the field")
        number = await self._collection(request).create_index(asked.field_name, asked.field_schema)
        return _done(request, number)

    async def _delete_index(self, request: Request) -> Any:
        return _done(request, await self._collection(request).delete_index(request.path_params["field"]))

    # Points

    async def _get_point(self, request: Request) -> Any:
        given = request.path_params["id"]
        return reads.get_point(self._collection(request), int(given) if given.isdecimal() else given)

    def _read(self, model: Any, run: Callable[[Collection, Any], Any]) -> Answer:
        async def answer(request: Request) -> Any:
            asked = await _parsed(request, model)
            return run(self._collection(request), asked)

        return answer

    def _with_lookup(self, run: Callable[[Collection, Any, Callable[[str], Collection]], Any]) -> Any:
        return lambda collection, asked: run(collection, asked, self.storage.collection)

    def _write(self, model: Any, translate: Callable[[Collection, Any], list[updates.Operation]]) -> Answer:
        async def answer(request: Request) -> Any:
            given = await _parsed(request, model)
            collection = self._collection(request)
            return _done(request, await collection.apply(*translate(collection, given)))

        return answer

    async def _write_batch(self, request: Request) -> Any:
        given = await _parsed(request, models.UpdateOperations)
        collection = self._collection(request)
        steps = updates.batch(collection, given)
        return [_done(request, await collection.apply(*step)) for step in steps]


def _route(path: str, verb: str, answer: Answer) -> Route:
    """A route whose answer is wrapped as Qdrant does: result, status and seconds, or the error in their place."""

    async def endpoint(request: Request) -> Response:
        started = time.perf_counter()
        try:
            _check_parameters(request)
            result = await answer(request)
        except RefusedError as refusal:
            return _refused(refusal, started)
        except ValidationError as error:
            return _refused(from_validation(error), started)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:
            log.exception("%s %s failed", verb, request.url.path)
            return _refused(RefusedError(500, "Service internal error: see vectord's log"), started)
        return _json({"result": result, "status": "ok", "time": time.perf_counter() - started})

    return Route(path, endpoint, methods=[verb])


def _check_parameters(request: Request) -> None:
    for name, value in request.query_params.items():
        if name not in QUERY_PARAMETERS:
            raise not_implemented(f"the query parameter '{name}'")
        if name == "wait" and value not in ("true", "false"):
            raise bad_request("wait: true or false")
        if name == "ordering" and value not in ("weak", "medium", "strong"):
            raise bad_request("ordering: weak, medium or strong")
        if name == "consistency" and not (value.isdecimal() or value in ("majority", "quorum", "all")):
            raise bad_request("consistency: a number, majority, quorum or all")
        if name == "timeout" and not (value.isdecimal() and int(value) > 0):
            raise bad_request("timeout: a positive number of seconds")


async def _parsed(request: Request, model: Any) -> Any:
    """The body as one of qdrant-client's models, which forbid fields they do not know."""
    return _adapter(model).validate_json(await _body(request), strict=True)


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


async def _body(request: Request) -> bytes:
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY:
            body += chunk
        elif size > MAX_DRAINED:
            break
    if size > MAX_BODY:
        raise RefusedError(413, f"Payload too large: a request has at most {MAX_BODY} bytes; send smaller batches")
    return bytes(body)


def _done(request: Request, operation: int) -> dict[str, Any]:
    """A write is carried out before it is answered in both cases; the word is what the caller asked to wait for."""
    waited = request.query_params.get("wait") == "true"
    return {"operation_id": operation, "status": "completed" if waited else "acknowledged"}


def _shown_aliases(aliases: Any) -> dict[str, Any]:
    return {"aliases": [{"alias_name": alias, "collection_name": of} for alias, of in sorted(aliases.items())]}


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _refused(refusal: RefusedError, started: float) -> Response:
    seconds = time.perf_counter() - started
    return _json({"status": {"error": refusal.sentence}, "time": seconds}, refusal.status)


async def _healthy(request: Request) -> Response:
    return PlainTextResponse("healthz check passed")


async def _unknown(request: Request) -> Response:
    return _refused(not_implemented(f"{request.method} {request.url.path}"), time.perf_counter())
