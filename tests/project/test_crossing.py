"""Attempts to cross over from one shop to another, through every address and with everything that could lead there.

Two shops have the same SKUs and slugs, and a word of their own in every text. Whatever is asked at the first one's
host, with its own means or with those of the second, no answer says the second one's word, and nothing of it changes.
The addresses come from the table of the permission matrix and must be all that there are, so a new one is tried too.
"""

import json
import uuid
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from catalog import hosts
from catalog.models import Shop
from recommend.surfaces import SURFACES
from tests import tenants
from tests.indexed import own_index, take
from tests.project import permission_rules as rules
from tests.project import test_permissions as matrix
from tests.tenants import Side

WRITES = matrix.WRITES
# Pages about the installation: a superuser decides about all people and shops, and nobody else may see the latter.
OF_ALL = ("auth/", "catalog/shop/")


@pytest.fixture(scope="module")
def both(django_db_setup, django_db_blocker, vectord_directory, tmp_path_factory) -> Iterator[tuple[Any, ...]]:
    """Both shops, made once, and the settings under which they were."""
    with (
        pytest.MonkeyPatch.context() as patch,
        own_index(django_db_blocker, vectord_directory, tmp_path_factory, **tenants.SEVERAL) as own,
    ):
        patch.setattr("celery.app.base.Celery.send_task", lambda *args, **options: None)
        sides = tenants.two_shops()
        cookies = [(client, values_of(client)) for side in sides for client in side.made.clients.values()]
        yield sides, own, cookies


@pytest.fixture
def sides(both, db, settings, monkeypatch) -> tuple[Side, Side]:
    """The first and the second shop. What a test changes in the database is undone."""
    monkeypatch.setattr("celery.app.base.Celery.send_task", lambda *args, **options: None)
    sides, own, cookies = both
    take(settings, own)
    hosts.forget()
    for client, had in cookies:
        client.cookies = SimpleCookie(had)
    for side in sides:
        side.shop = Shop.objects.get(pk=side.shop.pk)
    return sides


def values_of(client: Client) -> dict[str, str]:
    return {name: cookie.value for name, cookie in client.cookies.items()}


class Attempt:
    """Asks at the first shop's host, and notes what crossed over."""

    def __init__(self, here: Side, there: Side, folders: tuple[Path, ...]) -> None:
        self.here, self.there, self.folders = here, there, folders
        self.found: list[str] = []
        self.asked = 0
        self.before = tenants.digest(there, folders)

    def ask(self, who: str, client: Client, method: str, address: str, **more: Any) -> HttpResponse:
        """One request, of which everything is taken back afterwards."""
        cache.clear()
        cookies, written = values_of(client), []

        def note(execute, sql, parameters, many, context):
            if sql.startswith(WRITES):
                written.append(sql)
            return execute(sql, parameters, many, context)

        if address.startswith("/api/") and "data" not in more:
            more = {"data": "{}", "content_type": "application/json"}
        with transaction.atomic(), connection.execute_wrapper(note):
            send = client.generic if "content_type" in more else getattr(client, method.lower())
            arguments = (method, address) if send == client.generic else (address,)
            answer = send(*arguments, **more, SERVER_NAME=self.here.host)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            self.asked += 1
            told = f"{who}: {method} {address}"
            if answer.status_code >= 500:
                self.found.append(f"{told} answers {answer.status_code}")
            if self.there.secret.encode() in body.lower() or self.there.secret in str(answer.headers).lower():
                at = body.lower().find(self.there.secret.encode())
                self.found.append(f"{told} tells of the other shop: …{body[max(0, at - 80) : at + 30]!r}")
            if written and tenants.digest(self.there, self.folders) != self.before:
                self.found.append(f"{told} changes the other shop: {written[0][:120]}")
            transaction.set_rollback(True)
        client.cookies = SimpleCookie(cookies)
        return answer


@pytest.fixture
def attempt(sides, settings) -> Attempt:
    return Attempt(*sides, (Path(settings.MEDIA_ROOT) / "shops",))


def _done(attempt: Attempt, at_least: int) -> None:
    assert not attempt.found, "\n".join(attempt.found[:40])
    assert attempt.asked >= at_least


def _means(attempt: Attempt) -> dict[str, Client]:
    """Whom to ask as: the first shop's own, and everybody of the second."""
    own = {f"own {role}": attempt.here.made.clients[role] for role in ("anonymous", "key")}
    return own | {f"foreign {role}": attempt.there.made.clients[role] for role in ("key", "shopper", "superuser")}


# What an operation is asked with beside its address: what stands in a body or a query could lead to the other shop too.
def _bodies(path: str, there: Side) -> list[dict[str, Any]]:
    rows, marker = there.made.rows, there.marker
    kind = path.split("/")[3]
    if path == "/api/v1/events":
        known = {"shopper": str(rows["recommend.shopper"].key), "search_id": str(rows["search.loggedsearch"].pk)}
        return [
            {"events": [{"event_id": str(uuid.uuid4()), "kind": "click", "sku": "A-1", **known}]},
            {"event_id": str(rows["recommend.event"].event_id), "kind": "view", "sku": "A-1"},
        ]
    if path == "/api/v1/products/bulk":
        return [{"products": [{"sku": "A-1", "title": "Changed", "brand": "acme", "category": "Food"}]}]
    if kind == "products":
        return [{"sku": "A-1", "title": "Changed", "brand": "acme", "store": "corner", "category": "Food"}]
    if path == "/api/v1/search":
        return [{"q": marker}, {"q": "thing", "image_of": "A-1"}]
    if kind == "promotions":
        return [{"name": "Changed", "slug": "week", "kind": "percent", "value": 7, "products": ["A-1"]}]
    if kind in ("brands", "categories", "collections", "stores"):
        return [{"name": "Changed", "title": "Changed", "slug": "other", "products": ["A-1"]}]
    return []


def _queries(path: str, there: Side) -> list[str]:
    marker, key = there.marker, there.made.rows["recommend.shopper"].key
    more = {
        "/api/v1/search": [
            f"q={marker}",
            "q=thing",
            "q=A-1",
            "image_of=A-1",
            f"q=thing&not={marker}",
            "q=thing&explain=1",
        ],
        "/api/v1/suggest": [f"q={marker[:4]}", "q=th", "q="],
        "/api/v1/products/": [f"search={marker}", "status=draft"],
        "/api/v1/recommendations/{surface}": [f"shopper={key}", f"shopper={key}&product=A-1", "products=A-1"],
    }
    return more.get(path, [])


@pytest.mark.slow
def test_rest(attempt):
    paths = matrix.api_paths()
    assert set(paths) == set(rules.API)
    for path in paths:
        addresses = {matrix._api_address(path, side.made) for side in (attempt.here, attempt.there)}
        if path.endswith("{surface}"):
            addresses = {f"/api/v1/recommendations/{each}" for each in SURFACES}
        for who, client in _means(attempt).items():
            for address in addresses:
                for method in paths[path]:
                    attempt.ask(who, client, method, address)
                for query in _queries(path, attempt.there):
                    attempt.ask(who, client, "GET", f"{address}?{query}")
                for body in _bodies(path, attempt.there):
                    for method in ("POST", "PUT", "PATCH"):
                        if method in paths[path]:
                            data = {"data": json.dumps(body), "content_type": "application/json"}
                            attempt.ask(who, client, method, address, **data)
    _done(attempt, 5 * sum(map(len, paths.values())))


@pytest.mark.slow
def test_pages(attempt):
    assert matrix.page_routes() == set(rules.PAGES)
    there = attempt.there.made.rows
    picture = there["catalog.picture"]
    query = f"?q={attempt.there.marker}"
    extra = [
        query, "/search?q=thing", f"/search{query}", "/search?image_of=A-1", f"/media/{picture.file.name}",
        *(f"/media/{name}" for name in picture.thumbnails.values()),
        f"/media/x/../{picture.file.name}",
        f"/rows/similar/A-1{query}", f"/discover/for-you{query}",
    ]  # fmt: skip
    for who, client in _means(attempt).items():
        for route, methods in rules.PAGES.items():
            sides = (attempt.here, attempt.there)
            for address in dict.fromkeys(matrix._page_address(route, side.made) for side in sides):
                for method in methods.split():
                    attempt.ask(who, client, method, address)
        for address in extra:
            attempt.ask(who, client, "GET", address if address.startswith("/") else f"/{address}")
    _done(attempt, 5 * len(rules.PAGES))


@pytest.mark.slow
def test_the_admin(attempt):
    """A superuser, who may do everything, at the first shop's host, with the numbers of the second one's rows."""
    own, stranger = (side.made.clients["superuser"] for side in (attempt.here, attempt.there))
    shown = 0
    for route in matrix.admin_rules():
        if route.startswith(OF_ALL):
            continue
        addresses = [_admin_address(route, side) for side in (attempt.here, attempt.there)]
        for address in dict.fromkeys(addresses):
            shown += attempt.ask("own superuser", own, "GET", address).status_code == 200
        attempt.ask("own superuser", own, "POST", addresses[1])
        for method in ("GET", "POST"):
            answer = attempt.ask("foreign superuser", stranger, method, addresses[1])
            if not (matrix.is_refused(answer) or answer.status_code in (403, 404, 405) or route == "login/"):
                attempt.found.append(f"the session of the other shop opens {method} {route} ({answer.status_code})")
    for label, row in attempt.there.made.rows.items():
        at = f"/admin/{label.replace('.', '/')}/"
        for action in ("delete_selected", *rules.ACTIONS.get(label, {})):
            data = {"action": action, "_selected_action": [row.pk], "post": "yes"}
            if label in rules.MODELS and not f"{label.replace('.', '/')}/".startswith(OF_ALL):
                attempt.ask("own superuser", own, "POST", at, data=data)
    assert shown > 100  # or none of this says anything
    _done(attempt, 3 * (len(matrix.admin_rules()) - 25))


def _admin_address(route: str, side: Side) -> str:
    with side.inside():
        return matrix._admin_address(route, side.made)


@pytest.mark.slow
def test_the_words_are_told_where_they_belong(sides):
    """What the other tests look for is there to be found."""
    for side in sides:
        client = side.made.clients["superuser"]
        for address in (
            "/", "/p/thing", "/c/food", "/b/acme", "/s/corner", "/promo/week", "/collection/picnic",
            f"/search?q={side.marker}", "/api/v1/products/", "/api/v1/products/A-1", f"/api/v1/search?q={side.marker}",
            f"/api/v1/suggest?q={side.marker[:5]}", "/api/v1/recommendations/new-arrivals", "/admin/catalog/product/",
            "/admin/search/rule/", "/admin/search/synonym/", "/admin/recommend/campaign/",
            "/admin/search/loggedsearch/",
        ):  # fmt: skip
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert side.secret in answer.content.decode().lower(), address
