"""Fetches pictures by address without becoming a door into the network that the shop runs in (SSRF).

The name is resolved here, every address that it resolves to is checked, and the connection goes to the very address
that was checked: a name that answers differently the second time (DNS rebinding) is never asked a second time. The
check sits where the connection is made, so redirects pass it as well. TLS still verifies the name of the host.

Sources: the special-purpose address registries of IANA (RFC 6890), OWASP's cheat sheet on server-side request forgery.
"""

import ipaddress
import math
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as ResolveTimeout
from functools import cache
from typing import Any, Final

import httpcore
import httpx
from django.conf import settings

PORTS: Final = {"http": 80, "https": 443}
MAX_REDIRECTS: Final = 3
_HEADERS: Final = [
    (b"User-Agent", b"Vetrina (catalogue import)"),
    (b"Accept", b"image/avif,image/webp,image/*;q=0.9"),
    (b"Accept-Encoding", b"identity"),  # a compressed body could unpack to any size
]
# Of IPv4 all that `is_global` leaves (it covers private, loopback, link-local, shared 100.64/10, documentation and
# reserved ranges) except multicast and the relays of 6to4. Of IPv6 only 2000::/3, which is all that is assigned, less
# what embeds or tunnels an IPv4 address (Teredo, 6to4; NAT64 and mapped ones are outside 2000::/3) and documentation.
_V6_GLOBAL: Final = ipaddress.IPv6Network("2000::/3")
_REFUSED: Final = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
]
_resolving = ThreadPoolExecutor(8, thread_name_prefix="resolve")

Resolver = Callable[..., Iterable[tuple[Any, ...]]]


class FetchError(Exception):
    """A picture could not be fetched. ``permanent`` says that trying the same address again cannot help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and nothing that leads back inside."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False  # a zone ("fe80::1%eth0") makes it link-local
    if isinstance(parsed, ipaddress.IPv6Address) and (parsed not in _V6_GLOBAL or parsed.scope_id):
        return False
    if any(parsed.version == network.version and parsed in network for network in _REFUSED):
        return False
    return parsed.is_global and not parsed.is_multicast


@cache
def _certificates() -> ssl.SSLContext:
    """Those that are trusted; to read them takes longer than many a picture."""
    return httpcore.default_ssl_context()


class Fetcher:
    """Fetches pictures with limits on size, time and redirects.

    ``together``: seconds for all that this one fetches, from now on; 0: no limit but that of each.
    ``trusted`` holds pairs of address and port that are allowed although they are not public: for tests that run a
    server of their own. No setting leads here. ``resolver`` answers as `socket.getaddrinfo` does.
    """

    def __init__(
        self,
        *,
        max_bytes: int | None = None,
        timeout: float | None = None,
        together: float = 0,
        trusted: frozenset[tuple[str, int]] = frozenset(),
        resolver: Resolver = socket.getaddrinfo,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._max_bytes = max_bytes or settings.PICTURE_MAX_BYTES
        self._timeout = timeout or settings.PICTURE_FETCH_TIMEOUT
        self._together = together
        self._until = time.monotonic() + together if together else math.inf
        self._trusted, self._resolver = trusted, resolver
        self._ssl_context = ssl_context or _certificates()

    def fetch(self, url: str) -> bytes:
        """Return the body behind ``url``; what it is, `catalog.pictures.verify` finds out from its bytes.

        ``timeout`` holds for the whole, redirects included. Raises `FetchError`.
        """
        now = time.monotonic()
        if now >= self._until:
            raise FetchError(f"Pictures were fetched for {self._together:g} seconds before it.", permanent=False)
        deadline = min(now + self._timeout, self._until)
        backend = _GuardedBackend(deadline, self._trusted, self._resolver)
        # No proxy: httpcore reads none from the environment, and a proxy would resolve names by itself.
        with httpcore.ConnectionPool(self._ssl_context, network_backend=backend, max_connections=1) as pool:
            try:
                for _ in range(MAX_REDIRECTS + 1):
                    target = self._checked(url)
                    location, body = self._get(pool, target)
                    if location is None:
                        return body
                    try:
                        url = str(target.join(location))
                    except httpx.InvalidURL as error:
                        raise FetchError("The redirect leads to no valid address.", permanent=True) from error
            except FetchError:
                raise
            except httpcore.TimeoutException as error:
                raise FetchError(f"No answer within {deadline - now:.3g} seconds.", permanent=False) from error
            except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
                reason = str(error) or type(error).__name__
                raise FetchError(f"The connection failed ({reason}).", permanent=False) from error
        raise FetchError(f"There are more than {MAX_REDIRECTS} redirects.", permanent=True)

    def _checked(self, url: str) -> httpx.URL:
        try:
            target = httpx.URL(url)
            host = target.host  # decodes what is written in Punycode
        except (httpx.InvalidURL, UnicodeError) as error:
            raise FetchError("This is not a valid address.", permanent=True) from error
        if target.scheme not in PORTS or not host:
            raise FetchError("Only http:// and https:// addresses are fetched.", permanent=True)
        if target.userinfo:
            raise FetchError("An address with a user name or password is not fetched.", permanent=True)
        port = target.port or PORTS[target.scheme]
        if port not in PORTS.values() and port not in {port for _, port in self._trusted}:
            raise FetchError(f"Port {port} is not fetched from; only 80 and 443 are.", permanent=True)
        return target

    def _get(self, pool: httpcore.ConnectionPool, target: httpx.URL) -> tuple[str | None, bytes]:
        """Return (where a redirect leads, b"") or (None, the body)."""
        timeout = {"connect": self._timeout, "read": self._timeout, "write": self._timeout, "pool": self._timeout}
        address = httpcore.URL(scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path)
        headers = [(b"Host", target.netloc), *_HEADERS]
        with pool.stream("GET", address, headers=headers, extensions={"timeout": timeout}) as response:
            found = {name.lower(): value for name, value in response.headers}
            if response.status in (301, 302, 303, 307, 308):
                if b"location" not in found:
                    raise FetchError("The redirect says not where to.", permanent=True)
                return found[b"location"].decode("latin-1"), b""
            if response.status != 200:
                temporary = response.status in (408, 425, 429) or response.status >= 500
                raise FetchError(f"The server answered {response.status}.", permanent=not temporary)
            if found.get(b"content-encoding", b"identity").lower() != b"identity":
                raise FetchError("The server compressed the picture, which was not asked for.", permanent=True)
            length = found.get(b"content-length", b"")
            if length.isdigit() and int(length) > self._max_bytes:
                raise FetchError(
                    f"It has {int(length):,} bytes; at most {self._max_bytes:,} are allowed.", permanent=True
                )
            body = bytearray()
            for chunk in response.iter_stream():
                body += chunk
                if len(body) > self._max_bytes:
                    raise FetchError(f"It has more than {self._max_bytes:,} bytes.", permanent=True)
            return None, bytes(body)


class _GuardedBackend(httpcore.NetworkBackend):
    """Resolves, checks and connects in one place, and keeps every step within one deadline."""

    def __init__(self, deadline: float, trusted: frozenset[tuple[str, int]], resolver: Resolver) -> None:
        self._deadline, self._trusted, self._resolver = deadline, trusted, resolver
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._resolve(host, port)
        for address in addresses:
            # One private address among public ones is an attempt to get there on a retry: all must be public.
            if not is_public(address) and (address, port) not in self._trusted:
                raise FetchError(f"{host} leads to {address}, which is not a public address.", permanent=True)
        failure: Exception | None = None
        for address in addresses:
            try:
                stream = self._backend.connect_tcp(address, port, _left(self._deadline), None, socket_options)
                return _DeadlineStream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")

    def _resolve(self, host: str, port: int) -> list[str]:
        future = _resolving.submit(self._resolver, host, port, type=socket.SOCK_STREAM)
        try:
            answers = future.result(_left(self._deadline))
        except ResolveTimeout as error:
            raise httpcore.ConnectTimeout("the name was not resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise FetchError(f"The name {host} cannot be resolved.", permanent=False) from error
        return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class _DeadlineStream(httpcore.NetworkStream):
    """A stream whose every read and write ends at the deadline: a server that drips bytes gains nothing."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time is up")
    return left
