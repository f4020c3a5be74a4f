"""What could lead from one shop to another beside its addresses: people, sessions, keys, hosts, memories, vectors."""

import json
import threading
import uuid

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from qdrant_client import models

from catalog import hosts
from catalog.models import Product
from catalog.tenancy import NoShopError, current_shop_id, in_shop
from search.index.client import get_client, shop_of
from search.index.errors import VectorStoreError
from search.index.live import live_collection
from tests.project.test_crossing import both, sides

__all__ = ["both", "sides"]
pytestmark = pytest.mark.slow
STAFF = ("viewer", "merchandiser", "administrator", "superuser")


def test_administrators_see_the_people_of_their_shop(sides):
    first, second = sides
    client, theirs = first.made.clients["administrator"], User.objects.get(username=f"{second.marker}-viewer")
    page = client.get("/admin/auth/user/").content.decode()
    assert f"{first.marker}-viewer" in page
    assert f"{second.marker}-viewer" not in page
    address = f"/admin/auth/user/{theirs.pk}/"
    for path in ("change/", "password/", "delete/", "history/"):
        assert client.get(address + path).status_code in (302, 403, 404), path
    # Whoever works in both shops is for those to decide about who may enter both.
    first.shop.staff.add(theirs)
    assert client.post(f"{address}delete/", {"post": "yes"}).status_code in (302, 403)
    assert User.objects.filter(pk=theirs.pk).exists()
    # Groups and shops are the installation's.
    for path in ("auth/group/add/", "catalog/shop/", "catalog/shop/add/", f"catalog/shop/{second.shop.pk}/change/"):
        assert client.get(f"/admin/{path}").status_code == 403


def test_whom_an_administrator_adds_works_in_their_shop(sides):
    for side in sides:
        data = {
            "username": f"new-{side.marker}",
            "usable_password": "true",
            "password1": "long enough 1",
            "password2": "long enough 1",
        }
        assert side.made.clients["administrator"].post("/admin/auth/user/add/", data).status_code == 302
        assert list(User.objects.get(username=f"new-{side.marker}").shops.all()) == [side.shop]


# Means -------------------------------------------------------------------------------------------------------------


def test_a_session_opens_its_own_shop_alone(sides):
    first, second = sides
    for role in ("shopper", *STAFF):
        client = second.made.clients[role]
        key = client.cookies["sessionid"].value
        assert client.get("/you").context["request"].user.is_authenticated, role
        assert client.get("/you", SERVER_NAME=first.host).context["request"].user.is_anonymous, role
        client.cookies["sessionid"] = key
        assert client.get("/admin/", SERVER_NAME=first.host).status_code == 302, role
        client.cookies["sessionid"] = key
    # What is saved at the first shop gets a session of its own there.
    client = second.made.clients["shopper"]
    key = client.cookies["sessionid"].value
    client.post("/cart/add?sku=A-1", SERVER_NAME=first.host)
    assert client.cookies["sessionid"].value != key
    client.cookies["sessionid"] = key
    assert client.get("/you", SERVER_NAME=second.host).context["request"].user.is_authenticated


def test_staff_sign_in_where_they_work(sides):
    first, second = sides
    for side, other in (sides, sides[::-1]):
        person = User.objects.get(username=f"{side.marker}-administrator")
        person.set_password("long enough 1")
        person.save()
        told = {"username": person.username, "password": "long enough 1"}
        for page in ("/admin/login/", "/sign-in"):
            cache.clear()
            assert Client().post(page, told, SERVER_NAME=side.host).status_code == 302
            assert Client().post(page, told, SERVER_NAME=other.host).status_code in (200, 400)
    root = User.objects.get(username=f"{second.marker}-superuser")
    root.set_password("long enough 1")
    root.save()
    told = {"username": root.username, "password": "long enough 1"}
    assert Client().post("/admin/login/", told, SERVER_NAME=first.host).status_code == 302


def test_who_leaves_a_shop_is_out_at_once(sides):
    client = sides[0].made.clients["viewer"]
    assert client.get("/admin/").status_code == 200
    sides[0].shop.staff.clear()
    assert client.get("/admin/").status_code == 302


def test_one_address_has_an_account_in_each_shop(sides):
    told = {"username": "Ann@example.com", "password1": "long enough 1", "password2": "long enough 1"}
    for side in sides:
        assert Client().post("/sign-up", told, SERVER_NAME=side.host).status_code == 302
        cache.clear()
    assert Client().post("/sign-up", told, SERVER_NAME=sides[0].host).status_code == 400
    second = User.objects.get(username=f"ann@example.com+shop{sides[1].shop.pk}")
    second.set_password("another one 2")
    second.save()
    for side, password in zip(sides, ("long enough 1", "another one 2"), strict=True):
        for each in ("long enough 1", "another one 2"):
            client = Client(SERVER_NAME=side.host)
            answer = client.post("/sign-in", {"username": "ann@example.com", "password": each})
            assert answer.status_code == (302 if each == password else 400)
            if each == password:
                assert "<strong>ann@example.com</strong>" in client.get("/you").content.decode()


def test_a_device_is_known_in_its_own_shop(sides):
    first, second = sides
    client = Client(SERVER_NAME=second.host)
    view = {"events": [{"event_id": str(uuid.uuid4()), "kind": "view", "sku": "A-1"}]}
    client.post("/api/v1/events", json.dumps(view), content_type="application/json")
    client.get("/p/thing")
    cookie = client.cookies["shopper"].value
    stranger = Client(SERVER_NAME=first.host)
    stranger.cookies["shopper"] = cookie
    assert stranger.get("/you").context["shopper"] is None
    assert client.get("/you").context["shopper"] is not None


def test_a_key_writes_in_its_own_shop(sides):
    first, second = sides
    body = {"data": json.dumps({"title": "Changed"}), "content_type": "application/json"}
    client = second.made.clients["key"]
    assert client.patch("/api/v1/products/A-1", **body, SERVER_NAME=first.host).status_code in (401, 403)
    assert client.patch("/api/v1/products/A-1", **body, SERVER_NAME=second.host).status_code == 200


# Hosts -------------------------------------------------------------------------------------------------------------


def test_a_host_of_no_shop_is_told_so(sides):
    page = Client().get("/", SERVER_NAME="nobody.test")
    assert page.status_code == 404
    assert hosts.NO_SHOP in page.content.decode()
    assert "quixotry" not in page.content.decode()
    rest = Client().get("/api/v1/products/", SERVER_NAME="nobody.test")
    assert (rest.status_code, rest.json()) == (404, {"detail": hosts.NO_SHOP})
    assert Client().get("/", SERVER_NAME="evil.example").status_code == 400  # ALLOWED_HOSTS


def test_a_closed_shop_says_so_and_opens_again(sides):
    shop = sides[1].shop
    shop.active = False
    shop.save()
    answer = Client().get("/", SERVER_NAME=sides[1].host)
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert hosts.CLOSED in answer.content.decode()
    assert Client().get("/", SERVER_NAME=sides[0].host).status_code == 200
    shop.active = True
    shop.save()
    assert Client().get("/", SERVER_NAME=sides[1].host).status_code == 200


@pytest.mark.parametrize("host", ["one.test:8000", "ONE.test", "one.test."])
def test_a_host_is_known_however_it_is_written(sides, host):
    assert "quixotry" in Client().get("/", HTTP_HOST=host).content.decode()


def test_probes_need_no_shop(sides):
    assert Client().get("/healthz", SERVER_NAME="nobody.test").status_code == 200
    ready = Client().get("/readyz", SERVER_NAME="nobody.test")
    assert ready.status_code == 200
    metrics = Client().get("/metrics", SERVER_NAME="nobody.test").content.decode()
    for name in ("products_published", "index_points"):  # of both shops together
        assert f"\nvetrina_{name} 4.0\n" in metrics, metrics[-2000:]


# Memories ----------------------------------------------------------------------------------------------------------


def test_the_same_query_finds_each_shops_own(sides):
    """In one process, one after the other, with all that it remembers of the first."""
    client = Client()
    for address in (
        "/api/v1/search?q=thing", "/search?q=thing", "/api/v1/suggest?q=thi", "/", "/p/thing", "/c/food",
        "/sitemap.xml",
        "/api/v1/recommendations/new-arrivals", "/api/v1/recommendations/similar?product=A-1",
        "/api/v1/recommendations/sponsored?product=A-1", "/sitemap-products.xml", "/rows/similar/A-1",
    ):  # fmt: skip
        for side, other in (sides, sides[::-1], sides):
            answer = client.get(address, SERVER_NAME=side.host)
            body = answer.content.decode().lower()
            assert answer.status_code == 200, address
            assert other.secret not in body, address
            if "sitemap" not in address:
                assert side.secret in body or "recommendations/" in address, (address, side.secret)


def test_limits_of_the_rate_are_each_shops_own(sides, settings):
    settings.SHOP_ACTION_RATE = "1/min"
    first, second = sides
    told = [
        Client().post("/cart/add?sku=A-1", SERVER_NAME=side.host, HTTP_HX_REQUEST="true").status_code
        for side in (first, first, second)
    ]
    assert told == [200, 429, 200]


def test_without_a_shop_nothing_is_read(sides):
    for ask in (current_shop_id, Product.objects.count, live_collection):
        with pytest.raises(NoShopError):
            ask()


# Vectors -----------------------------------------------------------------------------------------------------------


def test_collections_are_each_shops_own(sides):
    names = []
    for side in sides:
        with side.inside():
            names.append(live_collection().name)
            assert shop_of(names[-1]) == side.shop.pk
            assert get_client().count(names[-1]).count == 2
    assert len(set(names)) == 2
    with sides[0].inside():
        for ask in (get_client().count, get_client().delete_collection, get_client().get_collection):
            with pytest.raises(VectorStoreError, match="not one of this shop's"):
                ask(names[1])


def test_a_point_of_another_shop_in_a_collection_is_found_by_nobody(sides):
    """As if somebody had written it there by mistake."""
    second = sides[1]
    with second.inside():
        name = live_collection().name
        point = get_client().retrieve(name, [second.made.rows["catalog.product"].pk], with_vectors=True)[0]
        assert point.payload["shop"] == second.shop.pk
        payload = {**point.payload, "shop": 999}
        get_client().upsert(name, [models.PointStruct(id=point.id, vector=point.vector, payload=payload)], wait=True)
        assert get_client().count(name).count == 1
        found = get_client().query_points(name, query=point.vector["text"], using="text", limit=10)
        assert point.id not in [each.id for each in found.points]
        asked = models.QueryRequest(query=point.vector["text"], using="text", limit=10)
        assert point.id not in [each.id for each in get_client().query_batch_points(name, [asked])[0].points]


# Threads -----------------------------------------------------------------------------------------------------------


def test_a_thread_without_a_shop_reads_nothing(sides):
    caught: list[BaseException] = []

    def read() -> None:
        try:
            Product.objects.first()
        except NoShopError as error:
            caught.append(error)
        finally:
            connection.close()

    with in_shop(sides[0].shop.pk):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    assert len(caught) == 1
