"""The search over REST: what it answers, and that hostile input is a 4xx with a sentence and never a 500."""

import io
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from rest_framework.test import APIClient

from search.api import views
from search.query import SearchUnavailable
from tests import shops
from tests.pictures import bomb

URL = "/api/v1/search"


@pytest.fixture
def client(shop) -> APIClient:
    return APIClient(raise_request_exception=False)


def post(client: APIClient, body: str | bytes):
    return client.post(URL, body, content_type="application/json")


def test_a_search_answers_with_hits_facets_and_what_was_understood(client):
    answer = client.get(URL, {"q": "office chair", "explain": "true", "page_size": 2}).json()
    assert answer.keys() == {"hits", "facets", "total", "page", "page_size", "took_ms", "query"}
    hit = answer["hits"][0]
    assert (hit["sku"], hit["price"], hit["brand"]["slug"]) == ("CHAIR-3", "210.00", "volt")
    assert hit["image"]["small"].startswith("/media/")
    assert hit["explanation"]["terms"]["rank"] == 1
    assert answer["facets"]["brand"]["values"][0].keys() == {"value", "label", "count", "selected"}
    assert answer["query"]["q"] == "office chair"


def test_address_and_body_ask_the_same(client):
    by_address = client.get(
        URL,
        {"q": "chair", "brand": ["nord", "volt"], "attributes.colour": "blue", "price_max": "100", "facets": "store"},
    ).json()
    by_body = post(
        client,
        json.dumps(
            {
                "q": "chair",
                "filters": {"brand": ["nord", "volt"], "attributes": {"colour": "blue"}, "price_max": 100},
                "facets": ["store"],
            }
        ),
    ).json()
    by_form = client.post(
        URL,
        {"q": "chair", "brand": ["nord", "volt"], "attributes.colour": "blue", "price_max": "100", "facets": "store"},
    ).json()
    assert [hit["sku"] for hit in by_address["hits"]] == ["CHAIR-1"]
    for answer in (by_body, by_form):
        assert (answer["hits"], answer["facets"]) == (by_address["hits"], by_address["facets"])


def test_an_uploaded_picture_is_a_query(client):
    upload = io.BytesIO(shops.picture("blue", "rectangle"))
    upload.name = "chair.png"
    answer = client.post(URL, {"image": upload, "facets": "none"}).json()
    assert answer["hits"][0]["sku"] == "CHAIR-1"


def uploads(*pictures: bytes) -> list[io.BytesIO]:
    files = [io.BytesIO(data) for data in pictures]
    for number, file in enumerate(files):
        file.name = f"{number}.png"
    return files


def test_several_pictures_are_one_query(client):
    two = uploads(shops.picture("red", "ellipse"), shops.picture("blue", "ellipse"))
    answer = client.post(URL, {"image": two, "facets": "none", "page_size": "2"}).json()
    assert {hit["sku"] for hit in answer["hits"]} == {"CUP-red", "CUP-blue"}
    answer = client.get(URL, {"image_of": ["CUP-red", "CUP-blue"], "facets": "none"}).json()
    assert answer["query"]["image_of"] == ["CUP-red", "CUP-blue"]
    assert not {"CUP-red", "CUP-blue"} & {hit["sku"] for hit in answer["hits"]}
    body = {"image_of": ["CUP-red", "CUP-blue"], "facets": ["none"]}
    assert client.post(URL, body, content_type="application/json").json()["hits"] == answer["hits"]


def test_pictures_words_and_filters_go_together(client):
    (file,) = uploads(shops.picture("blue", "ellipse"))
    answer = client.post(
        URL, {"image": file, "image_of": "CUP-blue", "q": "cup", "brand": "acme", "price_max": "11"}
    ).json()
    assert [hit["sku"] for hit in answer["hits"]] == ["CUP-red"]


def side_by_side() -> bytes:
    """A red cup at the left of a blue chair."""
    both = Image.new("RGB", (128, 64))
    for at, data in enumerate((shops.picture("red", "ellipse"), shops.picture("blue", "rectangle"))):
        both.paste(Image.open(io.BytesIO(data)), (64 * at, 0))
    out = io.BytesIO()
    both.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(("crop", "sku"), [("0,0,0.5,1", "CUP-red"), ("0.5,0,0.5,1", "CHAIR-1")])
def test_a_region_of_a_picture_is_searched_with(client, crop, sku):
    (file,) = uploads(side_by_side())
    answer = client.post(URL, {"image": file, "crop": crop, "facets": "none"}).json()
    assert answer["hits"][0]["sku"] == sku


def test_a_region_is_taken_after_the_picture_was_turned_upright(client):
    turned, exif, out = Image.open(io.BytesIO(side_by_side())).rotate(90, expand=True), Image.Exif(), io.BytesIO()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    turned.save(out, "JPEG", exif=exif, quality=95)
    (file,) = uploads(out.getvalue())
    answer = client.post(URL, {"image": file, "crop": "0.5,0,0.5,1", "facets": "none"}).json()
    assert answer["hits"][0]["sku"] == "CHAIR-1"


def test_a_region_of_a_product_s_picture(client):
    whole = client.get(URL, {"image_of": "CHAIR-1", "crop": "0,0,1,1", "facets": "none"}).json()["hits"]
    part = client.get(URL, {"image_of": "CHAIR-1", "crop": "0.2,0.2,0.6,0.6", "facets": "none"}).json()["hits"]
    assert whole[0]["score"] != part[0]["score"]
    assert client.get(URL, {"image_of": "HUB-1", "crop": "0,0,.5,.5"}).status_code == 400


def test_no_more_than_four_pictures(client):
    answer = client.post(URL, {"image": uploads(*[shops.picture("red")] * 5)})
    assert answer.status_code == 400
    assert "4 pictures" in answer.json()["image"][0]
    answer = client.post(URL, {"image": uploads(*[shops.picture("red")] * 3), "image_of": ["CUP-red", "CUP-blue"]})
    assert answer.status_code == 400
    assert client.get(URL, {"image_of": ["CUP-red"] * 5}).status_code == 400


def test_unwanted_words_and_a_picture_of_a_product(client):
    answer = client.get(URL, {"image_of": "CUP-red", "not": "mug"}).json()
    assert "MUG-black" not in {hit["sku"] for hit in answer["hits"]}


def svg() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize("data", [b"", b"no picture", svg(), shops.picture("red")[:200], bomb()])
def test_a_bad_picture_is_refused_with_a_sentence(client, data):
    upload = io.BytesIO(data)
    upload.name = "x.jpg"
    answer = client.post(URL, {"image": upload})
    assert answer.status_code == 400
    assert answer.json()["image"][0]


@pytest.mark.parametrize(
    "params",
    [
        {"foo": "1"},
        {"brnad": "nord"},
        {"q": "x" * 501},
        {"q": "a\0b"},
        {"q": ["a", "b"]},
        {"mode": "magic"},
        {"sort": "random"},
        {"page": "0"},
        {"page": "-1"},
        {"page": "x"},
        {"page": "1e3"},
        {"page": "99999999999999999999"},
        {"q": "chair", "page": "50", "page_size": "100"},
        {"page_size": "1000"},
        {"price_min": "nan"},
        {"price_max": "inf"},
        {"price_min": "-5"},
        {"price_min": "9", "price_max": "3"},
        {"in_stock": "maybe"},
        {"facets": "colour"},
        {"image_of": "NOPE"},
        {"image_of": ["CUP-red", "NOPE"]},
        {"image_of": "CUP-red", "crop": "1,1,1,1"},
        {"image_of": "CUP-red", "crop": "0,0,inf,1"},
        {"image_of": "CUP-red", "crop": "0,0,0.001,1"},
        {"image_of": "CUP-red", "crop": "x"},
        {"image_of": "CUP-red", "crop": "0,0,1,1," * 20},
        {"image_of": "CUP-red", "crop": ["0,0,1,1", "0,0,.5,1"]},
        {"q": "chair", "crop": "0,0,1,1"},
        {"image": "x"},
        {"filters": "{}"},
        {"attributes.": "x"},
        {"attributes.colour": "x" * 300},
        {"brand": [str(n) for n in range(60)]},
    ],
)
def test_a_bad_address_is_a_400_that_names_the_parameter(client, params):
    answer = client.get(URL, params)
    assert answer.status_code == 400, answer.content
    assert isinstance(answer.json(), dict)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[1]",
        '"q"',
        "null",
        "[" * 100_000,
        '{"q": ["a"]}',
        '{"q": 5}',
        '{"q": null}',
        '{"q": {"a": 1}}',
        '{"q": "\\ud800"}',
        '{"q": "\\u0000"}',
        '{"page": NaN}',
        '{"page": 1e400}',
        '{"page": 1.5}',
        '{"page": true}',
        '{"page": [1]}',
        '{"explain": [1]}',
        '{"mode": ["hybrid"]}',
        '{"facets": {"a": 1}}',
        '{"facets": [["brand"]]}',
        '{"filters": []}',
        '{"filters": {"brand": 3}}',
        '{"filters": {"brand": [null]}}',
        '{"filters": {"price_min": "x"}}',
        '{"filters": {"price_min": true}}',
        '{"filters": {"attributes": []}}',
        '{"filters": {"attributes": {"a": {"b": 1}}}}',
        '{"filters": {"color": "red"}}',
        b'{"q": "\xff"}',
    ],
)
def test_a_bad_body_is_a_400(client, body):
    answer = post(client, body)
    if body == "":  # no body at all asks for nothing in particular
        assert answer.status_code in (200, 400)
        return
    assert answer.status_code == 400, answer.content
    assert isinstance(answer.json(), dict)


def test_a_body_of_another_kind_is_a_415(client):
    assert client.post(URL, "<q/>", content_type="application/xml").status_code == 415


def test_a_store_that_is_down_is_a_503_with_a_time_to_come_back(client, monkeypatch):
    def down(_request):
        raise SearchUnavailable("The search index cannot be reached at the moment.")

    monkeypatch.setattr("search.query.search", down)
    answer = client.get(URL, {"q": "chair"})
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert "cannot be reached" in answer.json()["detail"]


def test_searching_by_post_needs_no_key_and_no_csrf_token(shop):
    assert APIClient(enforce_csrf_checks=True).post(URL, {"q": "chair"}, format="json").status_code == 200


def test_the_number_of_database_queries_is_bounded(client):
    client.get(URL, {"q": "chair"})
    with CaptureQueriesContext(connection) as captured:
        client.get(URL, {"q": "chair laptop cup", "page_size": 50})
    assert len(captured) <= 20


def test_suggestions(client):
    answer = client.get("/api/v1/suggest", {"q": "kit"}).json()
    assert answer["categories"][0]["full_name"] == "Home > Kitchen"
    assert client.get("/api/v1/suggest").status_code == 400
    assert client.get("/api/v1/suggest", {"q": "a", "x": "1"}).status_code == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["q", "not", "image_of", "mode", "filters", "facets", "sort", "page", "page_size", "explain"])
FILTERS = st.sampled_from(["category", "brand", "store", "tag", "price_min", "price_max", "in_stock", "promotion",
                           "collection", "attributes"])  # fmt: skip


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(FIELDS, JSON, max_size=4), filters=st.dictionaries(FILTERS, JSON, max_size=3))
def test_no_body_is_a_500(client, monkeypatch, body, filters):
    monkeypatch.setattr(views.PublicView, "throttle_classes", [])
    answer = post(client, json.dumps({**body, "filters": filters} if filters else body))
    assert answer.status_code in (200, 400), answer.content


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(params=st.dictionaries(FIELDS | FILTERS | st.text(max_size=12), st.text(max_size=30), max_size=4))
def test_no_address_is_a_500(client, monkeypatch, params):
    monkeypatch.setattr(views.PublicView, "throttle_classes", [])
    clean = {key: value for key, value in params.items() if "\ud800" not in key}
    answer = client.get(URL, clean)
    assert answer.status_code in (200, 400), answer.content
