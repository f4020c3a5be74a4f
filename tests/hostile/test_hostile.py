"""The whole corpus, sent to the real endpoints: no answer is a 5xx, and no row is written by halves.

`corpus` makes the inputs. After each write the report that came back is held against the rows: what was refused left
nothing, and what was taken is whole, with its entry in the outbox.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from catalog.fetch import is_public
from catalog.models import OutboxEntry, Picture, Product
from recommend.events.models import Event
from tests.hostile import corpus, files
from tests.keys import authorization

pytestmark = pytest.mark.slow
JSON = {"content_type": "application/json"}


@pytest.fixture
def client(shop, monkeypatch, tmp_path) -> Client:
    settings.EVENTS_FILTER_BOTS = False
    settings.HOME = tmp_path
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda *args, **options: None)
    return Client(raise_request_exception=False)


@pytest.fixture
def key(client) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": authorization()}


def rows() -> tuple[int, int, int]:
    return Product.objects.count(), Picture.objects.count(), Event.objects.count()


def check_whole() -> None:
    """Every product can be shown and is indexed or waits for it; every picture has its file."""
    assert not Product.objects.filter(title="").exists()
    waiting = set(OutboxEntry.objects.values_list("product_id", flat=True))
    new = Product.objects.filter(sku__startswith="H-") | Product.objects.filter(sku__startswith="T-")
    assert set(new.values_list("pk", flat=True)) <= waiting
    for picture in Picture.objects.all():
        assert (Path(settings.MEDIA_ROOT) / picture.file.name).is_file(), picture.file.name


def sound(answer: HttpResponse, what: str) -> HttpResponse:
    """Fail on a 5xx. A refusal over REST tells why."""
    cache.clear()  # what is tested is the answer, not the limit of its rate
    assert answer.status_code < 500, (what, answer.status_code)
    if 400 <= answer.status_code < 500 and answer.headers.get("Content-Type", "").startswith("application/json"):
        assert json.loads(answer.content), what
    return answer


def quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"))


def test_the_corpus_is_large():
    kinds = (corpus.texts, corpus.bodies, corpus.addresses, corpus.headers, files.pictures, files.tables)
    everything = [(kind.__name__, name) for kind in kinds for name, _ in kind()]
    assert len(set(everything)) == len(everything) >= 500


def test_texts(client, key):
    for name, text in corpus.texts():
        before = rows()
        for path in (
            "/search?q=",
            "/api/v1/search?q=",
            "/api/v1/suggest?q=",
            "/api/v1/search?not=",
            "/api/v1/products/?search=",
        ):
            sound(client.get(path + quoted(text)), f"{path} {name}")
        sound(client.post("/api/v1/search", json.dumps({"q": text}), **JSON), f"search body {name}")
        sound(client.delete("/api/v1/suggest/history?q=" + quoted(text)), f"history {name}")
        assert rows() == before, name
        row = {
            "sku": f"H-{text[:20]}",
            "title": text,
            "description": text,
            "brand": text,
            "category": text,
            "tags": text,
            "attributes": {text[:50]: text},
            "family": text,
            "ean": text,
        }
        report = sound(client.post("/api/v1/products/bulk", json.dumps([row]), **JSON, **key), f"bulk {name}").json()
        assert Product.objects.count() - before[0] == report.get("created", 0), name
        check_whole()


def test_bodies(client, key):
    for name, body in corpus.bodies():
        before = rows()
        sound(client.post("/api/v1/search", body, **JSON), f"search {name}")
        assert rows() == before
        events = sound(client.post("/api/v1/events", body, **JSON), f"events {name}")
        taken = events.json().get("accepted", 0) if events.status_code == 200 else 0
        assert Event.objects.count() - before[2] == taken, name
        made = 0
        bulk = sound(client.post("/api/v1/products/bulk", body, **JSON, **key), f"bulk {name}")
        if bulk.status_code == 200:
            made += bulk.json()["created"]
        for path in ("products/", "brands/", "categories/", "promotions/", "collections/"):
            answer = sound(client.post(f"/api/v1/{path}", body, **JSON, **key), f"{path} {name}")
            made += answer.status_code == 201 and path == "products/"
        for method in ("put", "patch"):
            answer = sound(getattr(client, method)("/api/v1/products/CHAIR-1", body, **JSON, **key), f"{method} {name}")
        assert Product.objects.count() - before[0] == made, name
        check_whole()


def test_addresses(client):
    before = rows()
    for name, address in corpus.addresses():
        targets = ("/search", "/api/v1/search", "/api/v1/products/", "/api/v1/recommendations/for-you")
        for target in [f"{each}{address}" for each in targets] if address.startswith("?") else [address]:
            answer = sound(client.get(target), f"{target[:80]} ({name})")
            leads = answer.headers.get("Location", "")
            assert not leads.startswith(("//", "javascript:", "http://evil")), name
            assert b"root:x:" not in b"".join(answer) if answer.streaming else b"root:x:" not in answer.content
    assert rows() == before


@pytest.mark.parametrize("target", ["/", "/you", "/api/v1/search?q=chair", "/admin/login/"])
def test_headers(client, target):
    before = rows()
    for name, given in corpus.headers():
        meta = {
            header.upper().replace("-", "_")
            if header.startswith("Content-")
            else f"HTTP_{header.upper().replace('-', '_')}": value
            for header, value in given.items()
        }
        sound(client.get(target, **meta), f"GET {target} {name}")
        client.cookies.clear()
    assert rows() == before


def test_headers_of_writes(client):
    event = json.dumps({"event_id": "not one", "kind": "view"})
    for name, given in corpus.headers():
        header, value = next(iter(given.items()))
        if header == "Content-Length":
            continue  # the web server reads as much as was said, and the test's client would cut the body
        meta = {
            header.upper().replace("-", "_")
            if header == "Content-Type"
            else f"HTTP_{header.upper().replace('-', '_')}": value
        }
        for path in ("/api/v1/events", "/api/v1/search", "/api/v1/products/bulk", "/sign-in", "/search/picture"):
            sound(
                client.generic(
                    "POST", path, event, **({"content_type": value} if header == "Content-Type" else {**JSON, **meta})
                ),
                f"POST {path} {name}",
            )
    assert not Event.objects.exists()


def test_pictures(client, key):
    for name, data in files.pictures():
        before = rows()
        sound(
            client.post("/search/picture", {"picture": SimpleUploadedFile("a.jpg", data, "image/jpeg")}), f"page {name}"
        )
        sound(
            client.post("/api/v1/search", {"image": SimpleUploadedFile("a.png", data, "image/png")}), f"search {name}"
        )
        assert rows() == before, name
        added = sound(
            client.post("/api/v1/products/HUB-1/pictures", {"image": SimpleUploadedFile("../../a.php", data)}, **key),
            f"product {name}",
        )
        assert Picture.objects.count() - before[1] == (added.status_code == 201), (name, added.status_code)
        check_whole()
    stored = [each for each in Path(settings.MEDIA_ROOT).rglob("*") if each.is_file()]
    assert {each.suffix for each in stored} <= {".jpg", ".png", ".webp"}, "an upload is kept under no name of its own"
    assert not any(b"<script" in each.read_bytes() or b"<?php" in each.read_bytes() for each in stored)


def test_tables(client):
    client.force_login(User.objects.create_superuser("root"))
    for name, data in files.tables():
        for suffix in (".csv.gz",) if data[:2] == b"\x1f\x8b" else (".jsonl", ".json") if "json" in name else (".csv",):
            before = rows()
            upload = SimpleUploadedFile(f"../{name}{suffix}", data)
            page = sound(
                client.post(
                    "/admin/catalog/product/import/", {"file": upload, "status": "published", "pictures": "strict"}
                ),
                f"{name}{suffix}",
            )
            assert rows() == before, "a preview writes nothing"
            assert page.status_code == 200


def fetched() -> Iterator[str]:
    """Addresses of pictures that lead into the shop's own network, in every way that they can be written."""
    for host in (
        "127.0.0.1",
        "localhost",
        "0.0.0.0",  # noqa: S104
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "169.254.169.254",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
        "user@127.0.0.1",
        "x.example@127.0.0.1",
        "127.0.0.1#@x.example",
        "127.0.0.1%2523",
        "localhost\\@x.example",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
    ):
        yield f"http://{host}/a.png"
    yield from (
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "ftp://x/",
        "data:text/html,x",
        "http:///a",
        "http://",
        "//127.0.0.1/a",
    )


def test_addresses_of_pictures_that_lead_inside(client, key):
    addresses = list(fetched())
    body = [{"sku": f"H-{place}", "title": "x", "images": [address]} for place, address in enumerate(addresses)]
    report = sound(client.post("/api/v1/products/bulk", json.dumps(body), **JSON, **key), "fetch").json()
    taken = {addresses[each["index"]]: each["warnings"] for each in report["results"] if each["status"] != "rejected"}
    assert all(taken.values()), "a name that nobody knows today is asked again at the next import"
    assert all("." in urlsplit(each).netloc.strip(".") and not is_public(urlsplit(each).netloc) for each in taken)
    assert not Picture.objects.filter(product__sku__startswith="H-").exists()
