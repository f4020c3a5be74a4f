"""Pictures by address: from the public internet alone, whatever names, redirects and servers try."""

import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from catalog.fetch import Fetcher, FetchError, is_public

BODY = b"\x89PNG" + b"x" * 500


class Handler(BaseHTTPRequestHandler):
    """A server that behaves as its path says."""

    def do_GET(self) -> None:
        server: Server = self.server  # type: ignore[assignment]
        server.seen.append((self.path, self.headers["Host"]))
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", server.redirects[self.path])
            self.end_headers()
        elif self.path == "/loop":
            self.send_response(301)
            self.send_header("Location", "/loop")
            self.end_headers()
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            while not server.closing.wait(0.02):
                try:
                    self.wfile.write(b"x")
                except OSError:
                    return
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                while not server.closing.is_set():
                    self.wfile.write(b"x" * 65536)
            except OSError:
                return
        elif self.path == "/gzip":
            self.answer(BODY, **{"Content-Encoding": "gzip"})
        elif self.path == "/large":
            self.answer(b"", **{"Content-Length": "99999999"})
        elif self.path.startswith("/status/"):
            self.send_response(int(self.path.rpartition("/")[2]))
            self.end_headers()
        else:
            self.answer(BODY)

    def answer(self, body: bytes, **headers: str) -> None:
        self.send_response(200)
        for name, value in ({"Content-Type": "text/html"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str]] = []
        self.redirects: dict[str, str] = {}
        self.closing = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def fetcher(server: Server) -> Fetcher:
    return Fetcher(trusted=frozenset({("127.0.0.1", server.server_port)}), max_bytes=10_000, timeout=5)


def refused(fetcher: Fetcher, url: str) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetcher.fetch(url)
    return caught.value


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "0.1.2.3", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "192.88.99.1", "224.0.0.1",
        "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1",
        "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1", "2002:7f00:1::", "2001::7f00:1", "2001:db8::1", "3fff::1", "100::1", "5f00::1", "nonsense",
    ],
)  # fmt: skip
def test_addresses_that_lead_inside_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "2a00:1450:4001:81b::200e"])
def test_addresses_of_the_internet_are_public(address):
    assert is_public(address)


def test_the_body_is_what_counts_and_not_the_type_that_the_server_claims(server, fetcher):
    assert fetcher.fetch(f"{server.address}/a.png") == BODY
    assert server.seen == [("/a.png", f"127.0.0.1:{server.server_port}")]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.jpg",
        "http://localhost/a.jpg",
        "http://2130706433/a.jpg",
        "http://0x7f.1/a.jpg",
        "http://127.1/a.jpg",
        "http://[::1]/a.jpg",
        "http://[::ffff:7f00:1]/a.jpg",
        "http://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/a.jpg",
    ],
)
def test_an_address_that_leads_inside_is_refused_for_good(url):
    error = refused(Fetcher(timeout=5), url)
    assert error.permanent
    assert "not a public address" in str(error)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/a.jpg", "Only http"),
        ("file:///etc/passwd", "Only http"),
        ("gopher://example.com/", "Only http"),
        ("//example.com/a.jpg", "Only http"),
        ("http://", "Only http"),
        ("http://user:secret@example.com/a.jpg", "user name"),
        ("http://example.com:6379/", "Port 6379"),
        ("http://example.com:99999/", "valid|Port"),
        ("http://exa mple.com\r\nX: y/", "valid"),
        ("http://xn--/a.jpg", "valid"),
    ],
)
def test_what_is_no_plain_web_address_is_refused(url, reason):
    error = refused(Fetcher(timeout=5), url)
    assert error.permanent
    assert re.search(reason, str(error))


def test_the_port_of_a_trusted_server_opens_no_other_server(server, fetcher):
    other = Server()
    try:
        assert "Port" in str(refused(fetcher, other.address))
        # The same port on another private address.
        assert "not a public" in str(refused(fetcher, f"http://127.0.0.2:{server.server_port}/"))
    finally:
        other.server_close()


def test_a_redirect_is_followed_and_checked_like_an_address(server, fetcher):
    server.redirects = {
        "/to/picture": "/a.png",
        "/to/inside": "http://127.0.0.1/admin",
        "/to/metadata": "http://169.254.169.254/",
        "/to/file": "file:///etc/passwd",
        "/to/port": "http://127.0.0.1:1/",
    }
    assert fetcher.fetch(f"{server.address}/to/picture") == BODY
    assert "not a public" in str(refused(fetcher, f"{server.address}/to/inside"))
    assert "not a public" in str(refused(fetcher, f"{server.address}/to/metadata"))
    assert "Only http" in str(refused(fetcher, f"{server.address}/to/file"))
    assert "Port 1" in str(refused(fetcher, f"{server.address}/to/port"))
    assert "redirects" in str(refused(fetcher, f"{server.address}/loop"))
    assert [path for path, _ in server.seen].count("/loop") == 4


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_that_is_connected_to(server):
    asked = []

    def rebinding(host, port, **_):
        """The first answer is allowed; a second one would lead to another machine."""
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    fetcher = Fetcher(trusted=frozenset({("127.0.0.1", server.server_port)}), resolver=rebinding, timeout=5)
    assert fetcher.fetch(f"http://shop.example:{server.server_port}/a.png") == BODY
    assert asked == ["shop.example"]
    assert server.seen == [("/a.png", f"shop.example:{server.server_port}")]
    assert "127.0.0.2, which is not a public" in str(
        refused(fetcher, f"http://shop.example:{server.server_port}/a.png")
    )


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    def mixed(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("8.8.8.8", "10.0.0.1")]

    error = refused(Fetcher(resolver=mixed, timeout=5), "http://shop.example/a.jpg")
    assert "10.0.0.1" in str(error)
    assert error.permanent


def test_a_name_that_is_not_known_may_be_known_later():
    def unknown(host, port, **_):
        raise socket.gaierror(-2, "Name or service not known")

    assert not refused(Fetcher(resolver=unknown, timeout=5), "http://shop.example/a.jpg").permanent


@pytest.mark.slow
def test_a_resolver_that_hangs_is_not_waited_for():
    release = threading.Event()

    def hanging(host, port, **_):
        release.wait(30)
        return []

    try:
        error = refused(Fetcher(resolver=hanging, timeout=0.2), "http://shop.example/a.jpg")
    finally:
        release.set()
    assert not error.permanent
    assert "within 0.2 seconds" in str(error)


def test_size_is_limited_by_what_is_announced_and_by_what_comes(server, fetcher):
    assert "99,999,999" in str(refused(fetcher, f"{server.address}/large"))
    assert "more than 10,000" in str(refused(fetcher, f"{server.address}/endless"))


@pytest.mark.slow
def test_a_server_that_drips_bytes_is_given_up(server):
    fetcher = Fetcher(trusted=frozenset({("127.0.0.1", server.server_port)}), timeout=0.3)
    error = refused(fetcher, f"{server.address}/drip")
    assert "within 0.3 seconds" in str(error)
    assert not error.permanent


@pytest.mark.slow
def test_all_that_is_fetched_together_has_one_time(server):
    fetcher = Fetcher(trusted=frozenset({("127.0.0.1", server.server_port)}), timeout=5, together=0.3)
    first, second = (refused(fetcher, f"{server.address}/drip") for _ in range(2))
    assert "No answer within 0." in str(first)
    assert "for 0.3 seconds" in str(second)
    assert (first.permanent, second.permanent) == (False, False)


def test_a_compressed_body_is_refused(server, fetcher):
    assert "compressed" in str(refused(fetcher, f"{server.address}/gzip"))


@pytest.mark.parametrize(("status", "permanent"), [(404, True), (403, True), (500, False), (503, False), (429, False)])
def test_it_is_said_whether_trying_again_can_help(server, fetcher, status, permanent):
    assert refused(fetcher, f"{server.address}/status/{status}").permanent is permanent


def test_no_proxy_of_the_environment_is_used(server, fetcher, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetcher.fetch(f"{server.address}/a.png") == BODY


def test_a_refused_connection_may_work_later():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        fetcher = Fetcher(trusted=frozenset({("127.0.0.1", port)}), timeout=5)
        assert not refused(fetcher, f"http://127.0.0.1:{port}/a.png").permanent
