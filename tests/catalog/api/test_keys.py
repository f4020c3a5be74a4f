"""API keys over REST: what each scope opens, what a store's key may write, how often, and how a key is checked."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.signals import request_finished
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient
from rest_framework_api_key.crypto import KeyGenerator

from catalog.models import ApiKey, Collection, Product, Promotion, Scope, Store
from catalog.models.keys import OF_STORES
from catalog.services.merchandising import set_collection
from tests.keys import authorization, make_key

pytestmark = pytest.mark.django_db
PRODUCTS = "/api/v1/products/"


def client_with(*scopes: Scope, **more) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=authorization(*scopes, **more))
    return client


# What an operation declares ------------------------------------------------------------------------------------------


def operations():
    """Each operation of the description with its view."""
    generator = SchemaGenerator()
    described = generator.get_schema(request=None, public=True)["paths"]
    found = [each for each in generator._get_paths_and_endpoints() if each[2].lower() in described.get(each[0], {})]
    assert len(found) == sum(len(methods) for methods in described.values())
    for path, _, method, view in found:
        yield path, method, view


@pytest.mark.slow
def test_every_operation_declares_what_it_takes():
    assert [f"{method} {path}" for path, method, view in operations() if method not in view.scopes] == []


@pytest.mark.slow
def test_the_description_says_which_scope_an_operation_takes():
    described = SchemaGenerator().get_schema(request=None, public=True)
    assert described["components"]["securitySchemes"]["ApiKey"]["in"] == "header"
    for path, method, view in operations():
        operation, scope = described["paths"][path][method.lower()], view.scopes[method]
        assert operation.get("x-scope") == (scope.value if scope else None)
        assert operation["security"] == ([{"ApiKey": []}] if scope else [{}, {"ApiKey": []}])


def test_what_declares_nothing_is_closed(monkeypatch, keyed):
    view = get_resolver().resolve(PRODUCTS).func.view_class
    monkeypatch.setattr(view, "scopes", {})
    assert keyed.get(PRODUCTS).status_code == 403


# Scopes --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_key_without_the_scope_is_told_which_it_lacks():
    answer = client_with(Scope.EVENTS_WRITE).post(PRODUCTS, {"sku": "A", "title": "A"}, format="json")
    assert answer.status_code == 403
    assert "catalog:write" in answer.json()["detail"]
    assert not Product.objects.exists()


@pytest.mark.parametrize(
    ("scope", "sees"),
    [
        (Scope.CATALOG_READ, True), (Scope.CATALOG_WRITE, True), (Scope.PROMOTIONS_WRITE, True),
        (Scope.TAXONOMY_WRITE, True), (Scope.EVENTS_WRITE, False), (Scope.READ_UNLIMITED, False),
    ],
)  # fmt: skip
def test_who_writes_sees_what_is_not_in_the_shop(product, scope, sees):
    product("DRAFT")
    assert client_with(scope).get(PRODUCTS).json()["count"] == int(sees)


# Stores --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def stores() -> tuple[Store, Store]:
    return Store.objects.create(name="Corner", slug="corner"), Store.objects.create(name="Other", slug="other")


@pytest.fixture
def of_corner(stores) -> APIClient:
    return client_with(*OF_STORES, store=stores[0])


def test_a_new_product_goes_into_the_store_of_the_key(of_corner, stores):
    assert of_corner.post(PRODUCTS, {"sku": "A", "title": "A"}, format="json").json()["store"] == "corner"
    answer = of_corner.post(PRODUCTS, {"sku": "B", "title": "B", "store": "other"}, format="json")
    assert answer.status_code == 403
    assert "“Corner”" in answer.json()["detail"]
    assert not Product.objects.filter(sku="B").exists()


@pytest.mark.parametrize("status", ["draft", "published"])
@pytest.mark.parametrize(
    ("method", "end", "body"),
    [
        ("patch", "", {"title": "Taken"}), ("put", "", {"sku": "A", "title": "Taken"}), ("delete", "", None),
        ("post", "/pictures", {"url": "https://example.org/a.png"}),
    ],
)  # fmt: skip
def test_products_of_another_store_are_not_written(of_corner, stores, product, method, end, body, status):
    row = product("A", store=stores[1], status=status)
    answer = getattr(of_corner, method)(f"{PRODUCTS}A{end}", body, format="json")
    assert answer.status_code == 403
    assert "writes products of the store “Corner” alone" in answer.json()["detail"]
    row.refresh_from_db()
    assert row.title == "Product A"


def test_products_without_a_store_are_not_written_either(of_corner, product):
    product("A")
    assert of_corner.patch(f"{PRODUCTS}A", {"title": "Taken"}, format="json").status_code == 403


@pytest.mark.parametrize("store", ["other", None])
def test_a_product_is_not_moved_out_of_its_store(of_corner, stores, product, store):
    row = product("A", store=stores[0])
    assert of_corner.patch(f"{PRODUCTS}A", {"store": store}, format="json").status_code == 403
    assert of_corner.patch(f"{PRODUCTS}A", {"title": "Mine"}, format="json").status_code == 200
    row.refresh_from_db()
    assert (row.title, row.store) == ("Mine", stores[0])


def test_drafts_of_another_store_are_not_seen(of_corner, stores, product):
    product("MINE", store=stores[0])
    product("THEIRS", store=stores[1])
    product("SOLD", store=stores[1], status="published")
    assert {row["sku"] for row in of_corner.get(PRODUCTS).json()["results"]} == {"MINE", "SOLD"}
    assert of_corner.get(f"{PRODUCTS}THEIRS").status_code == 404


def test_neither_promotions_nor_collections_tell_of_drafts_of_another_store(of_corner, stores, product):
    rows = [product("MINE", store=stores[0]), product("THEIRS", store=stores[1])]
    now, week = timezone.now(), timedelta(days=7)
    for name, start in (("running", now - week), ("planned", now + week)):
        promotion = Promotion.objects.create(name=name, slug=name, kind="percent", value=5, starts_at=start)
        promotion.products.set(rows)
    set_collection(Collection.objects.create(title="All", slug="all"), rows)
    for client, slugs, skus in (
        (of_corner, {"running"}, ["MINE"]),
        (client_with(Scope.CATALOG_READ), {"running", "planned"}, ["MINE", "THEIRS"]),
        (APIClient(), {"running"}, []),
    ):
        promotions = client.get("/api/v1/promotions/").json()["results"]
        assert {each["slug"] for each in promotions} == slugs
        assert all(each["products"] == skus for each in promotions)
        assert client.get("/api/v1/collections/all/").json()["products"] == skus
        assert client.get("/api/v1/collections/").json()["results"][0]["products"] == skus


def test_rows_of_another_store_are_rejected_in_bulk(of_corner, stores, product):
    product("MINE", store=stores[0])
    product("THEIRS", store=stores[1])
    product("NOBODY'S")
    rows = [
        {"sku": "MINE", "title": "Better"}, {"sku": "NEW", "title": "New"}, {"sku": "THEIRS", "title": "Taken"},
        {"sku": "NOBODY'S", "title": "Taken"}, {"sku": "MINE-2", "title": "x", "store": "Other"},
        {"sku": "MINE-3", "title": "x", "store": "Newly made"}, {"sku": "THEIRS-2", "title": "x", "store": "CORNER"},
    ]  # fmt: skip
    answer = of_corner.post(f"{PRODUCTS}bulk", rows, format="json").json()
    statuses = ["updated", "created", "rejected", "rejected", "rejected", "rejected", "created"]
    assert [row["status"] for row in answer["results"]] == statuses
    assert "store" in answer["results"][2]["reason"]
    assert set(Product.objects.filter(store=stores[0]).values_list("sku", flat=True)) == {"MINE", "NEW", "THEIRS-2"}
    assert not Product.objects.filter(title="Taken").exists()
    assert not Store.objects.filter(name="Newly made").exists()


def test_a_store_of_the_same_name_in_other_case_is_another(stores):
    named_alike = Store.objects.create(name="OTHER", slug="other-1")
    Store.objects.filter(pk=stores[1].pk).update(slug="other-2")
    Store.objects.filter(pk=named_alike.pk).update(slug="other")
    rows = [{"sku": "A", "title": "A"}, {"sku": "B", "title": "B", "store": "OTHER"}]
    client_with(*OF_STORES, store=stores[1]).post(f"{PRODUCTS}bulk", rows, format="json")
    assert set(Product.objects.values_list("sku", "store_id")) == {("A", stores[1].pk), ("B", stores[1].pk)}


def test_a_store_s_key_writes_nothing_but_products(stores):
    # The form does not let it have such a scope; here it has.
    client = client_with(store=stores[0])
    for kind in ("brands", "categories", "stores", "promotions", "collections"):
        answer = client.post(f"/api/v1/{kind}/", {"name": "x"}, format="json")
        assert answer.status_code == 403
        assert "one store’s" in answer.json()["detail"]


# How a key is checked ------------------------------------------------------------------------------------------------


def test_an_unknown_prefix_and_a_wrong_secret_cost_the_same(monkeypatch):
    right = make_key()
    wrong = f"{right.partition('.')[0]}.{'x' * 32}"
    unknown = f"{'y' * 8}.{'x' * 32}"
    revoked = make_key(revoked=True)
    compared = []
    verify = KeyGenerator.verify
    monkeypatch.setattr(
        KeyGenerator, "verify", lambda self, key, stored: compared.append(len(stored)) or verify(self, key, stored)
    )

    def cost(text: str) -> tuple[int, list[int], bool]:
        compared.clear()
        with CaptureQueriesContext(connection) as queries:
            found = ApiKey.objects.find(text)
        return len(queries), list(compared), found is not None

    length = len(ApiKey.objects.first().hashed_key)
    assert cost(right) == (1, [length], True)
    assert cost(wrong) == cost(unknown) == cost(revoked) == (1, [length], False)


def test_what_is_no_key_is_not_looked_up(django_assert_num_queries):
    for text in ("", "x", "a.b", "\x00" * 41, "x" * 10_000, f"{'y' * 8}.{'x' * 33}"):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Api-Key {text}")
        with django_assert_num_queries(0):
            assert client.post(PRODUCTS, {"sku": "A"}, format="json").status_code == 403


def test_the_text_of_a_key_is_kept_nowhere():
    text = make_key()
    kept = str(ApiKey.objects.values().get())
    assert text.partition(".")[2] not in kept
    assert "sha512$$" in kept


@pytest.mark.parametrize(
    "more", [{"revoked": True}, {"expiry_date": timezone.now() - timedelta(seconds=1)}], ids=["revoked", "expired"]
)
def test_a_key_that_has_ended_opens_nothing(more):
    assert client_with(**more).post(PRODUCTS, {"sku": "A", "title": "A"}, format="json").status_code == 403


# When it was last used -----------------------------------------------------------------------------------------------


def test_the_last_use_is_written_once_in_minutes(keyed, django_assert_num_queries):
    keyed.get(PRODUCTS)
    used = ApiKey.objects.get().last_used_at
    assert timezone.now() - used < timedelta(minutes=1)
    keyed.get(PRODUCTS)
    assert ApiKey.objects.get().last_used_at == used
    cache.clear()
    keyed.get(PRODUCTS)
    assert ApiKey.objects.get().last_used_at > used


def test_a_refused_request_is_no_use():
    client = client_with(Scope.EVENTS_WRITE)
    client.post(PRODUCTS, {"sku": "A"}, format="json")
    assert ApiKey.objects.get().last_used_at is None


def test_a_use_that_cannot_be_written_fails_no_request(keyed, monkeypatch):
    def fail(*args, **options):
        raise DatabaseError("read-only")

    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.models.query.QuerySet.update", fail)
        assert keyed.get(PRODUCTS).status_code == 200
    assert ApiKey.objects.get().last_used_at is None
    keyed.get(PRODUCTS)  # the next one writes it
    assert ApiKey.objects.get().last_used_at is not None


def test_the_last_use_is_written_after_the_answer(rf):
    from django.http import HttpResponse

    from catalog.api.last_used import noted

    make_key()
    request = rf.get(PRODUCTS)
    request.vetrina_api_key = ApiKey.objects.get()
    response = noted(lambda _: HttpResponse("done"))(request)
    assert ApiKey.objects.get().last_used_at is None
    request_finished.disconnect(close_old_connections)  # it would end the test's own transaction
    try:
        response.close()  # as a server does when all is sent
    finally:
        request_finished.connect(close_old_connections)
    assert ApiKey.objects.get().last_used_at is not None


# Limits --------------------------------------------------------------------------------------------------------------


def statuses(client: APIClient, times: int, **headers) -> list[int]:
    return [client.get(PRODUCTS, **headers).status_code for _ in range(times)]


def test_an_address_without_a_key_has_its_limit(settings, anonymous):
    settings.API_RATE_ANONYMOUS = "2/min"
    assert statuses(anonymous, 3) == [200, 200, 429]
    answer = anonymous.get(PRODUCTS)
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_a_key_has_its_limit_from_wherever_it_is_sent(settings):
    settings.API_RATE_KEY = "2/min"
    client, other = client_with(Scope.CATALOG_READ), client_with(Scope.CATALOG_READ)
    assert statuses(client, 2, REMOTE_ADDR="192.0.2.1") == [200, 200]
    answer = client.get(PRODUCTS, REMOTE_ADDR="192.0.2.2")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert statuses(other, 1, REMOTE_ADDR="192.0.2.1") == [200]


def test_an_address_has_its_limit_over_all_keys(settings):
    settings.API_RATE_ADDRESS = "3/min"
    clients = [client_with(Scope.CATALOG_READ) for _ in range(4)]
    assert [client.get(PRODUCTS).status_code for client in clients] == [200, 200, 200, 429]


def test_reading_without_a_limit_is_no_writing_without_one(settings):
    settings.API_RATE_KEY = "1/min"
    client = client_with(Scope.READ_UNLIMITED, Scope.CATALOG_WRITE)
    assert statuses(client, 3) == [200, 200, 200]
    body = {"sku": "A", "title": "A"}
    assert client.post(PRODUCTS, body, format="json").status_code == 201
    assert client.post(PRODUCTS, {**body, "sku": "B"}, format="json").status_code == 429


def test_guessing_keys_has_a_limit(settings):
    settings.API_RATE_ANONYMOUS = "3/min"
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Api-Key {'y' * 8}.{'x' * 32}")
    answers = [client.post(PRODUCTS, {"sku": "A"}, format="json").status_code for _ in range(4)]
    assert answers == [403, 403, 403, 429]
