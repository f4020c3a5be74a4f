"""Which shop a request is for: the one that answers to its host.

The middleware stands before the session, so that nothing of a request is read for another shop than its host's. Where
MULTI_SHOP is off there is one shop, whatever the host, and nothing is asked.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog
from django.conf import settings
from django.db.models.signals import post_delete, post_save
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from catalog.tenancy import DEFAULT_SHOP, in_shop

GetResponse = Callable[[HttpRequest], Any]
SECONDS: Final = 5.0  # in which every process has noticed that a host was given to a shop
WITHOUT_SHOP: Final = ("/healthz", "/readyz", "/metrics")  # of the installation, by whatever name it is asked for
NO_SHOP = "No shop of this installation answers to this name."
CLOSED = "This shop is closed at the moment."
RETRY_SECONDS = 600


@dataclass(frozen=True)
class Served:
    """A shop, as requests need it."""

    id: int
    slug: str
    name: str
    active: bool


_lock = threading.Lock()
_known: tuple[float, dict[str, Served]] | None = None


def shops_by_host() -> dict[str, Served]:
    """Every host and the shop that answers to it; SECONDS behind the database at most."""
    global _known
    known = _known
    if known is None or _is_old(known[0]):
        with _lock:
            known = _known  # who waited here finds what another thread has just read
            if known is None or _is_old(known[0]):
                _known = known = time.monotonic(), _read()
    return known[1]


def _is_old(at: float) -> bool:
    return time.monotonic() - at > SECONDS


def _read() -> dict[str, Served]:
    from catalog.models import ShopHost

    rows = ShopHost.objects.values_list("host", "shop_id", "shop__slug", "shop__name", "shop__active")
    return {host: Served(*told) for host, *told in rows}  # type: ignore[arg-type]


def active_shops() -> list[Served]:
    """The shops that are served, in the order of their ids. Where MULTI_SHOP is off, the only one."""
    from catalog.models import Shop

    if not settings.MULTI_SHOP:
        return [Served(DEFAULT_SHOP, "", settings.SHOP_NAME, True)]
    rows = Shop.objects.filter(active=True).order_by("pk").values_list("pk", "slug", "name", "active")
    return [Served(*told) for told in rows]


def forget(**kwargs: Any) -> None:
    """Look into the database at the next request: a shop or a host of one was saved or deleted."""
    global _known
    _known = None


for _signal in (post_save, post_delete):
    for _model in ("catalog.Shop", "catalog.ShopHost"):
        _signal.connect(forget, sender=_model, dispatch_uid=f"catalog.hosts.forget {_model}")


def host_of(request: HttpRequest) -> str:
    """The host that a request names, without port, in small letters. Raises DisallowedHost, as ALLOWED_HOSTS says."""
    host = request.get_host().lower()
    if host.startswith("["):
        return host.partition("]")[0].lstrip("[")
    return host.partition(":")[0].rstrip(".")


def name_of_shop(request: HttpRequest) -> str:
    """The name of the shop that the request is for, as pages show it."""
    shop: Served | None = getattr(request, "shop", None)
    return shop.name if shop else settings.SHOP_NAME


def of_shop(get_response: GetResponse) -> GetResponse:
    """Middleware: everything further in works for the shop that the host names."""

    def middleware(request: HttpRequest) -> Any:
        if not settings.MULTI_SHOP or request.path_info in WITHOUT_SHOP:
            return get_response(request)
        shop = shops_by_host().get(host_of(request))
        if shop is None:
            return _refusal(request, NO_SHOP, 404)
        if not shop.active:
            response = _refusal(request, CLOSED, 503)
            response["Retry-After"] = str(RETRY_SECONDS)
            return response
        request.shop = shop  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(shop=shop.slug)  # until `vetrina.monitoring.requests` has told of it
        with in_shop(shop.id):
            response = get_response(request)
            # It is read, and what waits for its end is done, when the middleware has long returned.
            if response.streaming and not isinstance(response, FileResponse):
                response.streaming_content = _read_in_shop(shop.id, response.streaming_content)
            response.close = partial(_close_in_shop, shop.id, response.close)
        return response

    return middleware


def _read_in_shop(shop_id: int, parts: Iterable[bytes]) -> Iterator[bytes]:
    iterator = iter(parts)
    while True:
        with in_shop(shop_id):
            try:
                part = next(iterator)
            except StopIteration:
                return
        yield part


def _close_in_shop(shop_id: int, close: Callable[[], None]) -> None:
    with in_shop(shop_id):
        close()


def _refusal(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    """Without a shop there is no page of a shop: neither its name nor its departments are anybody's."""
    if request.path_info.startswith("/api/"):
        return JsonResponse({"detail": sentence}, status=status)
    page = render_to_string("catalog/no_shop.html", {"sentence": sentence})
    return HttpResponse(page, status=status, headers={"Cache-Control": "no-store"})
