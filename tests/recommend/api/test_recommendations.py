"""GET /api/v1/recommendations/<surface>."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.signing import get_cookie_signer
from django.utils import timezone
from rest_framework.test import APIClient

from catalog.models import Product, Promotion
from recommend.events.models import Shopper
from recommend.events.shoppers import COOKIE, SALT, by_keys, of_name
from recommend.privacy.erasing import erase
from recommend.privacy.models import Erasure
from recommend.privacy.subjects import of_shopper
from recommend.surfaces import SURFACES
from search.index.errors import VectorStoreError
from tests.keys import authorization
from tests.markets import act


def get(surface, client=None, **params):
    return (client or APIClient()).get(f"/api/v1/recommendations/{surface}", params)


def skus(answer):
    return [hit["sku"] for hit in answer.json()["hits"]]


def browser_of(shopper):
    client = APIClient()
    client.cookies[COOKIE] = get_cookie_signer(salt=COOKIE + SALT).sign(shopper.key.hex)
    return client


@pytest.fixture
def system(db):
    """A client with an API key."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=authorization())
    return client


@pytest.mark.parametrize("surface", sorted(SURFACES))
def test_every_surface_answers_and_every_hit_has_a_reason(market, surface):
    now = timezone.now()
    Product.objects.filter(sku__endswith="-7").update(published_at=now - timedelta(days=2))
    Promotion.objects.create(name="All", slug="all", kind="percent", value=Decimal(10), starts_at=now)
    params = {"product": "SHOE-1"} if SURFACES[surface].needs_product else {}
    answer = get(surface, **params)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert told["surface"] == surface
    assert told["personalised"] is False
    assert told["hits"] or surface in ("sponsored", "visually-similar")
    for hit in told["hits"]:
        assert hit["reason"]
        assert isinstance(hit["why"], dict)
        assert isinstance(hit["score"], float)
        kind = SURFACES[surface].hits
        if kind == "product":
            assert hit["sku"]
        else:
            assert hit[kind]["slug"]
            assert hit["products"]
            assert all(made["sku"] and made["reason"] for made in hit["products"])
    assert "no-store" in answer["Cache-Control"]


def test_the_cookie_tells_who_asks(market, shopper):
    act(shopper, "view TENT-0", "view TENT-1")
    answer = get("for-you", browser_of(shopper), limit=4)
    assert answer.json()["personalised"] is True
    assert any(hit["reason"].startswith("Because you looked at Two person dome tent") for hit in answer.json()["hits"])
    assert skus(get("for-you", browser_of(shopper), limit=4, personal="false")) == skus(get("for-you", limit=4))


def test_nobody_reads_what_is_for_another(market, shopper):
    act(shopper, "view TENT-0", "view TENT-1")
    other = Shopper.objects.create()
    for client in (APIClient(), browser_of(other)):
        answer = get("for-you", client, shopper=str(shopper.key))
        assert answer.status_code == 403
        assert "API key" in answer.json()["detail"]
    assert get("for-you", browser_of(shopper), shopper=str(shopper.key)).status_code == 200


def test_a_forged_cookie_is_nobody(market, shopper):
    act(shopper, "view TENT-0", "view TENT-1")
    client = APIClient()
    client.cookies[COOKIE] = shopper.key.hex
    assert get("for-you", client).json()["personalised"] is False


def test_the_shops_own_systems_ask_for_anybody_by_key_or_by_their_own_name(market, system):
    named = Shopper.objects.create(key=of_name("customer-17"))
    act(named, "view TENT-0", "view TENT-1")
    by_name = get("for-you", system, shopper="customer-17", limit=4)
    assert by_name.json()["personalised"] is True
    assert skus(by_name) == skus(get("for-you", system, shopper=str(named.key), limit=4))
    account = Shopper.objects.create()
    Shopper.objects.filter(pk=named.pk).update(merged_into=account)
    assert skus(get("for-you", system, shopper="customer-17", limit=4)) == skus(by_name)


def test_a_customer_who_came_back_after_an_erasure_is_found_by_their_name(market, system):
    name = of_name("customer-17")
    erase(of_shopper(by_keys([name])[name]), by=Erasure.By.COMMAND)
    assert get("for-you", system, shopper="customer-17", limit=4).json()["personalised"] is False
    by_keys([name])
    assert get("for-you", system, shopper="customer-17", limit=4).json()["personalised"] is True


def test_a_shopper_that_nobody_has_seen_is_a_stranger(market, system):
    answer = get("for-you", system, shopper="customer-new", limit=4)
    assert answer.status_code == 200
    assert answer.json()["personalised"] is False
    assert skus(answer) == skus(get("for-you", limit=4))
    assert not Shopper.objects.filter(key=of_name("customer-new")).exists()


def test_asking_makes_nobody_known(market):
    before = Shopper.objects.count()
    answer = get("for-you")
    assert COOKIE not in answer.cookies
    assert Shopper.objects.count() == before


def test_it_can_be_paged_and_told_what_is_shown_already(market, shopper):
    act(shopper, "view SHOE-0")
    client = browser_of(shopper)
    first = get("for-you", client, limit=5)
    second = get("for-you", client, limit=5, offset=5)
    assert first.json()["more"] is True
    assert second.json()["offset"] == 5
    assert not set(skus(first)) & set(skus(second))
    assert not set(skus(first)) & set(skus(get("for-you", client, limit=20, exclude=",".join(skus(first)))))
    repeated = client.get("/api/v1/recommendations/for-you?" + "&".join(f"exclude={sku}" for sku in skus(first)))
    assert not set(skus(first)) & set(skus(repeated))
    assert get("for-you", client, exclude="GONE-1,GONE-2").status_code == 200


@pytest.mark.parametrize(
    ("params", "kinds"),
    [
        ({"category": "tents"}, {"TENT"}),
        ({"category": "sport"}, {"SHOE", "SOCK"}),
        ({"category": "tents", "brand": "acme"}, {"TENT"}),
    ],
)
def test_filters_are_those_of_the_search(market, shopper, params, kinds):
    act(shopper, "view SHOE-0", "view TENT-1")
    answer = get("for-you", browser_of(shopper), **params)
    assert {sku[:4] for sku in skus(answer)} == kinds
    if "brand" in params:
        assert {hit["brand"]["slug"] for hit in answer.json()["hits"]} == {"acme"}


def test_prices_stores_and_attributes_filter_too(market):
    assert all(Decimal(hit["price"]) <= 22 for hit in get("for-you", price_max=22).json()["hits"])
    assert {hit["store"]["slug"] for hit in get("for-you", store=["depot", "corner"]).json()["hits"]} == {
        "depot", "corner",
    }  # fmt: skip
    assert get("for-you", **{"attributes.colour": "red"}).json()["hits"] == []


def test_a_cart_is_asked_for_by_its_skus(market):
    assert skus(get("bought-together", products="SHOE-0,SHOE-1,SOCK-1")) == ["SOCK-0"]
    answer = APIClient().get("/api/v1/recommendations/bought-together?products=SHOE-1&products=SOCK-0")
    assert set(skus(answer)) == {"SOCK-1", "SHOE-0"}


@pytest.mark.parametrize(
    ("surface", "params", "field"),
    [
        ("similar", {}, "product"),
        ("complements", {}, "product"),
        ("similar", {"product": "NOPE"}, "product"),
        ("similar", {"product": ""}, "product"),
        ("similar", {"product": "a\0"}, "product"),
        ("complements", {"products": "SHOE-1,NOPE"}, "products"),
        ("complements", {"products": ",".join(["SHOE-1"] * 201)}, "products"),
        ("for-you", {"category": "nowhere"}, "category"),
        ("for-you", {"limit": "0"}, "limit"),
        ("for-you", {"limit": "51"}, "limit"),
        ("for-you", {"limit": "many"}, "limit"),
        ("for-you", {"offset": "-1"}, "offset"),
        ("for-you", {"offset": "100000"}, "offset"),
        ("for-you", {"limit": ["1", "2"]}, "limit"),
        ("for-you", {"personal": "perhaps"}, "personal"),
        ("for-you", {"limits": "3"}, "limits"),
        ("for-you", {"price_min": "9", "price_max": "1"}, "price_min"),
        ("for-you", {"price_min": "nan"}, "price_min"),
        ("for-you", {"shopper": "x" * 201}, "shopper"),
        ("for-you", {"exclude": "a\0"}, "exclude"),
        ("sponsored", {"q": "x" * 501}, "q"),
    ],
)
def test_bad_parameters_are_a_400_that_names_the_field(market, surface, params, field):
    answer = get(surface, **params)
    assert answer.status_code == 400, answer.content
    assert field in answer.json()


def test_an_unknown_parameter_is_told_the_known_ones(market):
    (sentence,) = get("for-you", colour="red").json()["colour"]
    assert "limit" in sentence
    assert "shopper" in sentence


def test_an_unknown_surface_is_a_404(market):
    answer = get("psychic")
    assert answer.status_code == 404
    assert "for-you" in answer.json()["detail"]


def test_a_surface_that_cannot_do_without_the_index_says_so(market, monkeypatch):
    def down(_ask):
        raise VectorStoreError("no answer", permanent=False)

    monkeypatch.setattr("recommend.surfaces.content.on_live", down)
    assert get("visually-similar", product="SHOE-1").json()["hits"] == []
    told = get("similar", product="SHOE-1").json()
    assert told["hits"]
    assert {hit["sku"].split("-")[0] for hit in told["hits"]} == {"SHOE"}
    assert "does not answer" in told["degraded"][0]


def test_the_description_names_surfaces_and_parameters(db):
    described = APIClient().get("/api/v1/schema?format=json").json()
    operation = described["paths"]["/api/v1/recommendations/{surface}"]["get"]
    by_name = {each["name"]: each for each in operation["parameters"]}
    assert set(by_name["surface"]["schema"]["enum"]) == set(SURFACES)
    assert {"product", "products", "category", "q", "shopper", "limit", "offset", "exclude", "personal"} <= set(by_name)


def test_queries_over_http_stay_few(market, shopper, django_assert_max_num_queries):
    act(shopper, "view SHOE-0", "view SHOE-1", "view TENT-2")
    client = browser_of(shopper)
    get("for-you", client)
    with django_assert_max_num_queries(9):
        get("for-you", client, limit=20)
